import {
  CLASS,
  decodeMessage,
  EMPTY_MESSAGE,
  encodeChain,
  encodeMessage,
  keyOwner,
  nodeDnssecCrypto,
  OPCODE,
  openResolver,
  parseDnsName,
  parseZoneAnchors,
  RCODE,
  rcodeName,
  sendUpdate,
  signTsig,
  TYPE,
  verifyChain,
  type DnsRecord,
  type Primary,
  type Resolver,
  type TsigKey,
  type ZoneAnchor,
  type ZoneUpdate,
} from '@ixj/dns'
import { parseName, type Name } from '@ixj/names'
import { nodeRandom } from '@ixj/node'
import { fromBase64url } from '@ixj/trust'
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { zoneKeys } from '../../test/world/dns/anchors.ts'
import { startKnot } from '../../test/world/dns/knot.ts'
import { missingPrograms } from '../../test/world/dns/installed.ts'
import { zoneText } from '../../test/world/dns/zone-text.ts'
import { percentile, type BenchResult } from '../table.ts'
import { sendPipelined } from './pipelined.ts'
import { keyData, newKey, ZONE } from './records.ts'
import type { ServerReport } from './server.ts'

/** One figure, and the goal that stands for it in the scoreboard (P9). */
interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  readonly goal?: { readonly least?: number; readonly most?: number }
}

/** A server to be measured. */
interface Target {
  readonly name: string
  readonly port: number
  readonly anchors: readonly ZoneAnchor[]
  readonly key: TsigKey
}

const run = promisify(execFile)
/** Updates under way at once, as of a tool that publishes many names. */
const UPDATES_WINDOW = 64
const RECORDS_PER_UPDATE = 10
/** Updates that are made before any is measured; of the first some hundred, each took twice as long. */
const WARM_UP = 500

/** Updates, signed answers and proofs of the embedded server, beside Knot in the same run. */
export async function benchDns(
  scale: number,
  progress: (line: string) => void,
): Promise<BenchResult> {
  const figures: Figure[] = []
  const small = Math.ceil(1_000 * scale)
  const large = Math.ceil(100_000 * scale)
  {
    progress(`embedded server, ${small} names`)
    await using server = await openServer(small)
    const goal = { latency: { most: 2 }, updates: { least: 5_000 }, answers: { least: 20_000 } }
    figures.push(...(await measure(server.target, scale, { names: small, goal, progress })))
    progress('proofs')
    figures.push(...(await proofFigures(server.target, scale)))
  }
  const few = figures.find(({ what }) => what.includes('signed answers'))?.value ?? Number.NaN
  {
    progress(`embedded server, ${large} names`)
    await using server = await openServer(large)
    const many = await answersPerSecond(server.target, large, scale)
    const { rssMiB } = await server.report()
    figures.push(
      {
        what: `embedded: memory, ${large} names, all signed`,
        value: rssMiB,
        unit: 'MiB',
        goal: { most: 300 },
      },
      ...many.map((value) => ({
        what: `embedded: signed answers, ${large} names`,
        value,
        unit: '/s',
        goal: { least: few / 1.3 },
      })),
    )
  }
  if (missingPrograms(['knotd']).length === 0) {
    progress('Knot')
    const key = newKey()
    const records = names(small).map((name) => `_ixjkey.${name}. 300 TXT "v=ixj1"`)
    const text = zoneText(ZONE, ...records)
    await using knot = await startKnot({ zones: [{ name: ZONE, text }], keys: [key] })
    const anchors = [{ zone: parseDnsName(ZONE), records: await zoneKeys(knot, ZONE) }]
    const target = { name: 'Knot, signing online', port: knot.port, anchors, key }
    figures.push(...(await measure(target, scale, { names: small, goal: {}, progress })))
  } else progress('Knot is not installed (npm run test:setup): not run')
  return { rows: figures, table: tableOf(figures) }
}

async function measure(
  target: Target,
  scale: number,
  options: {
    readonly names: number
    readonly goal: Readonly<Record<string, NonNullable<Figure['goal']>>>
    readonly progress: (line: string) => void
  },
): Promise<readonly Figure[]> {
  const { name } = target
  const { goal, progress } = options
  const figure = (what: string, value: number, unit: string, key: string): Figure => {
    const known = goal[key]
    return {
      what: `${name}: ${what}`,
      value,
      unit,
      ...(known === undefined ? {} : { goal: known }),
    }
  }
  progress(`${name}: update to validated answer`)
  const delays = await updateDelays(target, Math.ceil(300 * scale))
  const whole = ({ acknowledged: first, validated: rest }: Delay) => first + rest
  const acknowledged = (delay: Delay) => delay.acknowledged
  const validated = (delay: Delay) => delay.validated
  const at = (part: (delay: Delay) => number, place: number) => percentile(delays.map(part), place)
  progress(`${name}: updates`)
  const updates = await updatesPerSecond(target, Math.ceil(2_000 * scale))
  progress(`${name}: signed answers`)
  const answers = await answersPerSecond(target, options.names, scale)
  return [
    figure('update to validated answer, p50', at(whole, 0.5), 'ms', 'latency'),
    figure('of it, until acknowledged (on disk), p50', at(acknowledged, 0.5), 'ms', 'none'),
    figure('of it, answer fetched and validated, p50', at(validated, 0.5), 'ms', 'none'),
    figure('update to validated answer, p99', at(whole, 0.99), 'ms', 'none'),
    figure(`updates, ${RECORDS_PER_UPDATE} a message`, updates, '/s', 'updates'),
    ...answers.map((value) => figure('signed answers', value, '/s', 'answers')),
  ]
}

/** One update, and the new key as our validator accepts it, in ms. */
interface Delay {
  /** Until the server has acknowledged it: it is on disk then. */
  readonly acknowledged: number
  /** From there until the answer has come and is validated. */
  readonly validated: number
}

/** Updates one after the other; the first ones, which the compiler still learns from, do not count. */
async function updateDelays(target: Target, count: number): Promise<readonly Delay[]> {
  await using resolver = resolverOf(target)
  const primary = primaryOf(target)
  const delays: Delay[] = []
  for (let index = -WARM_UP; index < count; index++) {
    const owner = keyOwner(parseName(`fresh${index + WARM_UP}.${ZONE}`))
    const update = updateOf([owner])
    const began = performance.now()
    await sendUpdate(update, primary)
    const acknowledged = performance.now()
    const found = await resolver.resolve(owner, TYPE.TXT)
    if (found.state !== 'secure' || found.answer !== 'positive') {
      throw new Error(`${target.name} answered ${owner} ${found.state}, after it took the update`)
    }
    const validated = performance.now() - acknowledged
    if (index >= 0) delays.push({ acknowledged: acknowledged - began, validated })
  }
  return delays
}

/** Over one connection, signed beforehand, so that the server is what is measured. */
async function updatesPerSecond({ port, key }: Target, count: number): Promise<number> {
  const now = Date.now()
  const messages = Array.from({ length: count }, (_, index) => {
    const owners = Array.from({ length: RECORDS_PER_UPDATE }, (_empty, place) =>
      keyOwner(parseName(`many${index * RECORDS_PER_UPDATE + place}.${ZONE}`)),
    )
    return signTsig(encodeUpdate(updateOf(owners), index), { key, now }).bytes
  })
  const began = performance.now()
  await sendPipelined(port, messages, {
    window: UPDATES_WINDOW,
    take: (answer) => {
      const { rcode } = decodeMessage(answer)
      if (rcode !== RCODE.NOERROR) throw new Error(`An update was refused: ${rcodeName(rcode)}`)
    },
  })
  return (count * RECORDS_PER_UPDATE * 1_000) / (performance.now() - began)
}

function encodeUpdate({ zone, updates }: ZoneUpdate, id: number): Uint8Array {
  return encodeMessage({
    ...EMPTY_MESSAGE,
    id: id % 65_536,
    opcode: OPCODE.UPDATE,
    questions: [{ name: zone, type: TYPE.SOA, class: CLASS.IN }],
    authorities: updates,
  })
}

/** By dnsperf, which costs less than the servers that it asks; nothing where it is not installed. */
async function answersPerSecond(
  { port }: Target,
  count: number,
  scale: number,
): Promise<readonly number[]> {
  if (missingPrograms(['dnsperf']).length > 0) return []
  const folder = await mkdtemp(join(tmpdir(), 'ixj-bench-dns-'))
  try {
    const file = join(folder, 'queries')
    await writeFile(
      file,
      names(count)
        .map((name) => `_ixjkey.${name} TXT\n`)
        .join(''),
    )
    const seconds = Math.max(3, Math.ceil(6 * scale))
    const args = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-D', '-c', '4', '-q', '200']
    const ask = async (limit: readonly string[]) =>
      (await run('dnsperf', [...args, ...limit], { maxBuffer: 2 ** 24 })).stdout
    // Once through all names first, so that every signature is there: they live for hours.
    await ask(['-n', '1'])
    const output = await ask(['-l', String(seconds)])
    const perSecond = Number(/Queries per second:\s+([0-9.]+)/.exec(output)?.[1])
    const answered = Number(/NOERROR \d+ \(([0-9.]+)%\)/.exec(output)?.[1])
    if (answered !== 100)
      throw new Error(`Only ${answered} % of the answers were NOERROR:\n${output}`)
    return [perSecond]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Bytes and milliseconds of a proof of one key by the key of its own zone. */
async function proofFigures(target: Target, scale: number): Promise<readonly Figure[]> {
  const host = parseName(`node1.${ZONE}`)
  const cases = [
    { what: 'one zone, one key', data: keyData(), bytes: 600, ms: 0.6 },
    { what: 'the same with n, e, h', data: keyData({ hosts: [host] }), bytes: 750, ms: undefined },
  ]
  const figures: Figure[] = []
  await using resolver = resolverOf(target)
  for (const [index, { what, data, bytes, ms }] of cases.entries()) {
    const owner = keyOwner(parseName(`proof${index}.${ZONE}`))
    const record = { name: owner, type: TYPE.TXT, class: CLASS.IN, ttl: 300, data }
    await sendUpdate(
      { zone: parseDnsName(ZONE), prerequisites: [], updates: [record] },
      primaryOf(target),
    )
    const found = await resolver.resolve(owner, TYPE.TXT)
    if (found.state !== 'secure') throw new Error(`${owner} is ${found.state}`)
    const chain = encodeChain(found.used)
    const crypto = nodeDnssecCrypto()
    const context = { anchors: target.anchors, now: Date.now(), crypto }
    const times: number[] = []
    for (let round = 0; round < Math.ceil(2_000 * scale); round++) {
      const began = performance.now()
      const checked = await verifyChain(chain, { name: owner, type: TYPE.TXT }, context)
      times.push(performance.now() - began)
      if (checked.state !== 'secure') throw new Error(`The proof of ${owner} is ${checked.state}`)
    }
    figures.push(
      { what: `proof, ${what}: size`, value: chain.length, unit: 'B', goal: { most: bytes } },
      {
        what: `proof, ${what}: verified, p50`,
        value: percentile(times, 0.5),
        unit: 'ms',
        ...(ms === undefined ? {} : { goal: { most: ms } }),
      },
    )
  }
  return figures
}

function updateOf(owners: readonly DnsRecord['name'][]): ZoneUpdate {
  const updates = owners.map((name) => {
    return { name, type: TYPE.TXT, class: CLASS.IN, ttl: 300, data: keyData() }
  })
  return { zone: parseDnsName(ZONE), prerequisites: [], updates }
}

function primaryOf({ port, key }: Target): Primary {
  return { server: { address: '127.0.0.1', port }, key, now: Date.now, random: nodeRandom }
}

function resolverOf({ port, anchors }: Target): Resolver {
  const suffix = parseDnsName(ZONE)
  return openResolver({
    anchors,
    upstreams: [{ suffix, transport: 'udp', address: '127.0.0.1', port }],
  })
}

function names(count: number): readonly Name[] {
  return Array.from({ length: count }, (_, index) => parseName(`a${index}.${ZONE}`))
}

interface OpenServer extends AsyncDisposable {
  readonly target: Target
  report(): Promise<ServerReport>
}

/** A zone of that many names, filled by a process that has ended when the server opens it. */
async function openServer(count: number): Promise<OpenServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ixj-bench-dns-'))
  const file = join(folder, 'zone.sqlite')
  await once(start('fill', file, String(count)), 'exit')
  const child = start('serve', file)
  const next = async () => {
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`The server's process ended with code ${String(code)}`)
    })
    const [report] = (await Promise.race([once(child, 'message'), ended])) as [ServerReport]
    return report
  }
  const { port, anchor, secret } = await next()
  const key = newKey(fromBase64url(secret))
  return {
    target: { name: 'embedded', port, anchors: parseZoneAnchors(anchor), key },
    report: async () => {
      child.send('report')
      return await next()
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function start(...words: readonly string[]): ChildProcess {
  const program = fileURLToPath(new URL('./server.ts', import.meta.url))
  return fork(program, words, { execArgv: ['--conditions=ixj:src'], stdio: 'inherit' })
}

function tableOf(figures: readonly Figure[]): BenchResult['table'] {
  const lines = figures.map(({ what, value, unit, goal }) => {
    const bound = goal?.most === undefined ? '≥' : '≤'
    const limit = goal?.most ?? goal?.least
    const isMet = value <= (goal?.most ?? Infinity) && value >= (goal?.least ?? -Infinity)
    const shown = limit === undefined ? '' : `${bound} ${number(limit)} ${unit}`
    return [
      what,
      `${number(value)} ${unit}`,
      shown,
      limit === undefined ? '' : isMet ? 'met' : 'missed',
    ]
  })
  return [['', 'figure', 'goal', ''], ...lines]
}

function number(value: number): string {
  return value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString('en-US')
}
