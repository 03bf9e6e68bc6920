import {
  encodeMessages,
  decodeBundle,
  openHost,
  provingStatements,
  sealBundle,
  type Agent,
  type Bundle,
  type Header,
  type Host,
  type Identity,
  type Transport,
} from '@ixj/agent'
import type { Name } from '@ixj/names'
import {
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  openNodeVerifier,
  openHome,
  openMesh,
  openNodeDns,
  systemClock,
  type Mesh,
} from '@ixj/node'
import { encodeApplication, type Grant, type SignedStatement, type Signer } from '@ixj/trust'
import { createInterface } from 'node:readline'
import { tell, tellCounts, type AttackEvent } from '../events.ts'
import {
  CREW,
  EXPIRED_WORKER,
  homeOf,
  nodeOf,
  PLANNER,
  READER_NODE,
  RESULTS,
  STRANGER_NODE,
} from '../setup.ts'
import { aborted, readAddress } from '../addresses.ts'
import { readUpstreams } from '../zones.ts'
import type { RoleOptions } from './opening.ts'

/** How long gossip itself remembers a message, and a little more. */
const FORGOTTEN_MS = 16_000
/** How long the zones' servers may take to be up. */
const DNS_MS = 20_000
/** How long a refused hello may take. */
const HELLO_MS = 5_000

/** A node with its own mesh, whose traffic its owner can see and forge. */
interface OpenNode extends AsyncDisposable {
  readonly host: Host
  readonly mesh: Mesh
  /** What came in as messages, with when. */
  readonly seen: { readonly topic: string; readonly bytes: Uint8Array; readonly at: number }[]
}

/**
 * The attackers: a node of the organisation whose worker turned bad, a reader without rights and a
 * stranger. They look on while the job runs, and attack on the same mesh when the parent says so.
 */
export async function runMallory(options: RoleOptions): Promise<void> {
  const { mesh, signal } = options
  await using mallory = await openAttacker(mesh, 'mallory', nodeOf('mallory'))
  for (const role of ['planner', 'ledger'] as const) {
    mallory.mesh.keepDialing(await readAddress(mesh, role, signal))
  }
  const worker = await mallory.host.askName(PLANNER, 'w9', { signal })
  await worker.join(CREW, { signal })
  tell({ event: 'ready', role: 'mallory', node: mallory.host.name })
  const lines = createInterface({ input: process.stdin, signal })
  for await (const line of lines) if (line === 'attack') break
  const began = Date.now()
  await using reader = await openAttacker(mesh, 'reader', READER_NODE)
  await readWithoutRight(reader, options)
  await forgeName(mallory)
  await leaveGrant(mallory, worker)
  await outlive(mallory, mesh)
  await arriveAsStranger(options)
  await arriveElsewhereFirst(mallory, worker)
  await replay(mallory, began)
  tellReader(reader)
  tell({ event: 'attacked' })
  await aborted(signal)
  tellCounts('mallory', mallory.host, 0)
}

/** 1. A bundle in the name of another worker, with its key, signed by one that is not its. */
async function forgeName(mallory: OpenNode): Promise<void> {
  const genuine = captured(mallory, (bundle) => bundle.header.sender.startsWith('w1.'))
  const forger = generateNodeKey()
  const liar: Signer = { publicKey: genuine.header.key, sign: (data) => forger.sign(data) }
  const forged = await seal(liar, genuine.header, { text: 'forged' })
  await mallory.mesh.publish(CREW, forged.bytes)
  tellAttack({
    name: 'forged name',
    what: `a message in the name of ${genuine.header.sender}, signed by another key`,
    code: 'bad-signature',
    id: forged.idText,
  })
}

/** 2. A worker asks the whole crew, which its grant does not let it. */
async function leaveGrant(mallory: OpenNode, worker: Agent): Promise<void> {
  const fields = await fieldsOf(mallory, worker.identity, worker.grants[0])
  const bundle = await seal(worker.identity.signer, { ...fields, action: 'request' }, 'obey me')
  await mallory.mesh.publish(CREW, bundle.bytes)
  tellAttack({
    name: 'outside its grant',
    what: `${worker.name} may publish to the crew, and asks it instead`,
    code: 'not-granted',
    id: bundle.idText,
  })
}

/** 3. A worker whose binding ended minutes ago still has its key. */
async function outlive(mallory: OpenNode, mesh: string): Promise<void> {
  const identity = await (await openHome(homeOf(mesh, 'mallory'))).readIdentity(EXPIRED_WORKER)
  const fields = await fieldsOf(mallory, identity, undefined)
  const bundle = await seal(identity.signer, fields, 'I am still here')
  await mallory.mesh.publish(CREW, bundle.bytes)
  tellAttack({
    name: 'expired worker',
    what: `${identity.name} sends with the key of a binding that ended four minutes ago`,
    code: 'expired',
    id: bundle.idText,
  })
}

/** 4. A genuine message once more, when gossip has forgotten it and its lifespan has not ended. */
async function replay(mallory: OpenNode, began: number): Promise<void> {
  const genuine = captured(
    mallory,
    (bundle) => bundle.header.class === 'event' && bundle.header.sender.startsWith('w1.'),
  )
  const left = began + FORGOTTEN_MS - Date.now()
  if (left > 0) {
    tell({
      event: 'waiting',
      milliseconds: left,
      text: 'until gossip has forgotten a message, to replay it',
    })
    await elapsed(left)
  }
  await mallory.mesh.publish(CREW, genuine.bytes)
  tellAttack({
    name: 'replay',
    what: `the message ${genuine.idText.slice(0, 8)}… of ${genuine.header.sender} again`,
    code: 'duplicate',
    id: genuine.idText,
  })
}

/** 5. A node of an organisation that nobody here knows. */
async function arriveAsStranger(options: RoleOptions): Promise<void> {
  await using stranger = await openAttacker(options.mesh, 'stranger', STRANGER_NODE)
  const decisions = stranger.host.decisions({ signal: AbortSignal.timeout(HELLO_MS) })
  await stranger.mesh.dial(await readAddress(options.mesh, 'planner', options.signal))
  for await (const decision of decisions) if (decision.about === 'hello') break
  tellAttack({
    name: 'a stranger’s organisation',
    what: `${STRANGER_NODE} connects, with a chain to its own root`,
    code: 'no-anchor',
    sender: stranger.mesh.peer,
    hadEffect: stranger.host.neighbours.length > 0,
  })
}

/** 6. A node of the organisation subscribes to the crew and to the results without any right. */
async function readWithoutRight(reader: OpenNode, options: RoleOptions): Promise<void> {
  const admitted = reader.host.decisions({ signal: AbortSignal.timeout(HELLO_MS) })
  for (const role of ['planner', 'ledger'] as const) {
    const peer = await reader.mesh.dial(await readAddress(options.mesh, role, options.signal))
    for await (const decision of admitted) if (decision.about === 'hello') break
    for (const topic of [CREW, RESULTS]) reader.mesh.announce(peer, topic)
  }
  for (const topic of [CREW, RESULTS]) await reader.mesh.subscribe(topic)
}

function tellReader(reader: OpenNode): void {
  const bytes = reader.seen.reduce((sum, message) => sum + message.bytes.length, 0)
  tellAttack({
    name: 'a reader without the right',
    what: `${READER_NODE} subscribed to ${CREW} and ${RESULTS}; it got ${bytes} bytes`,
    code: 'not-granted',
    sender: READER_NODE,
    hadEffect: bytes > 0,
  })
}

/** 7. The bytes of a genuine message first on another topic, to make the message a duplicate. */
async function arriveElsewhereFirst(mallory: OpenNode, worker: Agent): Promise<void> {
  const fields = await fieldsOf(mallory, worker.identity, worker.grants[0])
  const text = `a genuine message of ${worker.name}`
  const bundle = await seal(worker.identity.signer, fields, { text })
  await mallory.mesh.publish(PLANNER, bundle.bytes)
  await mallory.mesh.publish(CREW, bundle.bytes)
  tellAttack({
    name: 'the same bytes elsewhere first',
    what: `a message for ${CREW} comes on ${PLANNER} first, to make the genuine one a duplicate`,
    code: 'wrong-topic',
    id: bundle.idText,
    mustArrive: text,
  })
}

function tellAttack(attack: Omit<AttackEvent, 'at' | 'hadEffect'> & { hadEffect?: boolean }): void {
  tell({ event: 'attack', attack: { at: 'planner', hadEffect: false, ...attack } })
}

/** The first message that was seen of that kind. */
function captured(node: OpenNode, wanted: (bundle: Bundle) => boolean): Bundle {
  for (const { topic, bytes } of node.seen) {
    // Announcements pass on the topic too; a bundle is an array of four.
    if (topic !== CREW || bytes[0] !== 0x94) continue
    const bundle = decodeBundle(bytes, nodeSha256)
    if (wanted(bundle)) return bundle
  }
  throw new Error('Cannot attack: no message of a worker was seen')
}

type Fields = Omit<Header, 'digest' | 'key'>

/** The header of a message to the crew, with a proof that neighbours can fetch here. */
async function fieldsOf(
  mallory: OpenNode,
  identity: Identity,
  grant: SignedStatement<Grant> | undefined,
): Promise<Fields> {
  const leaves = grant === undefined ? [] : [grant]
  const proof = await mallory.host.keepProof(provingStatements(identity, leaves))
  return {
    topic: CREW,
    sender: identity.name,
    epoch: Date.now(),
    class: 'event',
    action: 'publish',
    first: 1,
    count: 1,
    sentAt: Date.now(),
    lifespanMs: 60_000,
    priority: 1,
    authority: grant?.id ?? null,
    proof,
    audience: null,
    approvals: [],
  }
}

/** A bundle of one message in a stream of its own. */
async function seal(
  signer: Signer,
  like: Fields,
  body: Parameters<typeof encodeApplication>[0],
): Promise<Bundle> {
  const part = {
    id: nodeRandom(16),
    correlation: null,
    contentType: null,
    body: encodeApplication(body),
  }
  const now = Date.now()
  const fields = { ...like, epoch: now, first: 1, count: 1, sentAt: now }
  return await sealBundle(fields, encodeMessages([part]), { signer, hash: nodeSha256 })
}

/** A node opened part by part, so that its messages can be seen before anything is decided. */
async function openAttacker(mesh: string, role: string, name: Name): Promise<OpenNode> {
  const home = await openHome(homeOf(mesh, role))
  const anchors = await home.readAnchors()
  const upstreams = await readUpstreams(mesh, AbortSignal.timeout(DNS_MS))
  const settings = { upstreams, dialPrivate: true }
  const dns = await openNodeDns({ anchors, settings, home, clock: systemClock })
  const transport = await openMesh({ listen: [] })
  const seen: OpenNode['seen'] = []
  const host = await openHost({
    identity: await home.readIdentity(name),
    anchors,
    ...(dns.zoneKeys === undefined ? {} : { zoneKeys: dns.zoneKeys }),
    transport: listening(transport, (topic, bytes) => seen.push({ topic, bytes, at: Date.now() })),
    clock: systemClock,
    random: nodeRandom,
    verifier: openNodeVerifier(),
    generateKey: generateNodeKey,
    store: home.store(),
    hash: nodeSha256,
  })
  return {
    host,
    mesh: transport,
    seen,
    [Symbol.asyncDispose]: async () => {
      await host[Symbol.asyncDispose]()
      await dns[Symbol.asyncDispose]()
    },
  }
}

/** The mesh itself, with an ear at what it hands to its owner. */
function listening(mesh: Mesh, hear: (topic: string, bytes: Uint8Array) => void): Transport {
  return new Proxy<Transport>(mesh, {
    get(target, key) {
      if (key === 'attach') {
        return (receiver: Parameters<Transport['attach']>[0]) =>
          target.attach(
            new Proxy(receiver, {
              get(owner, property) {
                if (property === 'message') {
                  return async (...message: Parameters<typeof owner.message>) => {
                    hear(message[0], message[1])
                    return await owner.message(...message)
                  }
                }
                const value: unknown = Reflect.get(owner, property, owner)
                return typeof value === 'function' ? value.bind(owner) : value
              },
            }),
          )
      }
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => systemClock.at(Date.now() + milliseconds, resolve))
}
