import { issueTo, memoryStore, openHost, type Agent, type Host, type Identity } from '@ixj/agent'
import { parseName } from '@ixj/names'
import {
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  openMesh,
  openNodeVerifier,
  systemClock,
} from '@ixj/node'
import { AnchorSet } from '@ixj/trust'
import { percentile, type BenchResult } from '../table.ts'

const DESK = parseName('desk.acme.example')
const LIFETIME = { lifetimeSeconds: 600 }
const TO_DESK = { actions: ['publish'], topics: [DESK] } as const
/** Births by one signature, and agents of a pool that speak in one turn. */
const BATCH = 256

interface Row {
  readonly what: string
  readonly value: number
  readonly unit: 'ms' | '/s' | 'µs CPU'
  readonly goal?: number
}

/** Births (scoreboard row P4): two nodes over TCP on loopback, both in this one process. */
export async function benchBirths(
  scale: number,
  progress: (line: string) => void,
): Promise<BenchResult> {
  const acme: Identity = {
    name: parseName('acme.example'),
    signer: generateNodeKey(),
    statements: [],
  }
  await using here = await openNode(acme, 'n1.acme.example')
  await using there = await openNode(acme, 'n2.acme.example')
  const desk = await there.host.openAgent(await bound(acme, DESK))
  const boss = await here.host.openAgent(
    await bound(acme, 'boss.acme.example', {
      uses: 'both',
      depth: 1,
      grants: [{ ...TO_DESK, mayDelegate: ['*.boss.acme.example'] }],
    }),
  )
  here.mesh.keepDialing(there.mesh.addresses[0] ?? '')
  await boss.spawn('first', { ...LIFETIME, grants: [TO_DESK] }).then((first) => first.send(DESK, 0))
  await take(desk, 1)
  const rows: Row[] = []
  progress('one by one')
  rows.push(...(await oneByOne(boss, desk, Math.ceil(500 * scale))))
  progress('in batches')
  rows.push(...(await inBatches(boss, Math.ceil(40 * scale))))
  progress('a pool')
  rows.push(...(await ofPool({ here: here.host, desk, acme }, Math.ceil(40 * scale))))
  return { rows, table: [['births', 'measured', 'goal'], ...rows.map(lineOf)] }
}

function lineOf({ what, value, unit, goal }: Row): readonly string[] {
  const shown = (figure: number) =>
    `${figure < 100 ? figure.toFixed(2) : Math.round(figure).toLocaleString('en-US')} ${unit}`
  if (goal === undefined) return [what, shown(value), '']
  const isMet = unit === '/s' ? value >= goal : value <= goal
  const word = unit === '/s' ? '≥' : '≤'
  return [what, shown(value), `${isMet ? 'met' : 'MISSED'}, ${word} ${shown(goal)}`]
}

/** Spawn, bind, grant, first message read elsewhere. */
async function oneByOne(boss: Agent, desk: Agent, count: number): Promise<readonly Row[]> {
  const delays: number[] = []
  const inbox = desk.messages()
  for (let index = 0; index < count; index++) {
    const began = performance.now()
    const child = await boss.spawn(`o${index}`, { ...LIFETIME, grants: [TO_DESK] })
    await Promise.all([child.send(DESK, index), inbox.take()])
    delays.push(performance.now() - began)
  }
  inbox.close()
  const what = 'spawn to first message read elsewhere'
  return [
    { what: `${what}, p50`, value: percentile(delays, 0.5), unit: 'ms', goal: 2 },
    { what: `${what}, p99`, value: percentile(delays, 0.99), unit: 'ms', goal: 50 },
  ]
}

/** Key, binding and grant; the grant that opens its inbox is made when a neighbour asks for it. */
async function inBatches(boss: Agent, batches: number): Promise<readonly Row[]> {
  const cpu = process.cpuUsage()
  const began = performance.now()
  for (let batch = 0; batch < batches; batch++) {
    const labels = Array.from({ length: BATCH }, (_, index) => `b${batch}-${index}`)
    await boss.spawnMany(labels, { ...LIFETIME, grants: [TO_DESK] })
  }
  const seconds = (performance.now() - began) / 1_000
  const count = batches * BATCH
  return [
    { what: `births, ${BATCH} at once`, value: count / seconds, unit: '/s', goal: 5_000 },
    { what: 'a birth', value: cpuSince(cpu) / count, unit: 'µs CPU' },
  ]
}

/** Each message is the first of its name; those of one turn share a signature. */
async function ofPool(
  { here, desk, acme }: { readonly here: Host; readonly desk: Agent; readonly acme: Identity },
  turns: number,
): Promise<readonly Row[]> {
  await using pool = await here.openPool({ ...LIFETIME, grants: [TO_DESK], by: acme })
  const inbox = desk.messages({ queueMax: BATCH * 64 })
  const speak = async () => {
    const agents = await Promise.all(Array.from({ length: BATCH }, () => pool.agent()))
    await Promise.all(agents.map((agent) => agent.send(DESK, 'born')))
    // What an agent of a pool lives for is done.
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()))
  }
  await speak()
  for (let taken = 0; taken < BATCH; taken++) await inbox.take()
  const cpu = process.cpuUsage()
  const began = performance.now()
  const count = turns * BATCH
  const hear = async () => {
    for (let taken = 0; taken < BATCH; taken++) await inbox.take()
  }
  for (let turn = 0; turn < turns; turn++) await Promise.all([speak(), hear()])
  const seconds = (performance.now() - began) / 1_000
  const { lost } = inbox
  inbox.close()
  if (lost > 0) throw new Error(`${lost} messages were lost in a queue`)
  return [
    {
      what: 'first messages of fresh pool names',
      value: count / seconds,
      unit: '/s',
      goal: 20_000,
    },
    { what: 'a first message, both nodes', value: cpuSince(cpu) / count, unit: 'µs CPU' },
  ]
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function take(agent: Agent, count: number): Promise<void> {
  const inbox = agent.messages()
  for (let taken = 0; taken < count; taken++) await inbox.take()
  inbox.close()
}

async function bound(
  acme: Identity,
  text: string,
  options: Partial<Parameters<typeof issueTo>[2]> = {},
): Promise<Identity> {
  const child = { name: parseName(text), signer: generateNodeKey() }
  const named = { name: child.name, key: child.signer.publicKey }
  const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }
  const lifetime = { lifetimeSeconds: 7_200 }
  return { ...child, statements: await issueTo(acme, named, { ...lifetime, ...options }, context) }
}

async function openNode(acme: Identity, text: string) {
  const mesh = await openMesh({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  const { name } = acme
  const keys = [acme.signer.publicKey]
  const host = await openHost({
    identity: await bound(acme, text),
    anchors: new AnchorSet([{ name, keys, purposes: ['connect', 'grant', 'send'] }]),
    transport: mesh,
    clock: systemClock,
    random: nodeRandom,
    verifier: openNodeVerifier(),
    generateKey: generateNodeKey,
    store: memoryStore(),
    hash: nodeSha256,
  })
  return { host, mesh, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
}
