import { decodeBundle, grantsOf, type Agent, type Bundle } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import { generateNodeKey, nodeRandom, nodeSha256, openHome, systemClock } from '@ixj/node'
import { issueStatement, type Grant, type Signer } from '@ixj/trust'
import { createInterface } from 'node:readline'
import { tell, tellCounts } from '../events.ts'
import {
  CLEANER,
  COUNSEL,
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
import { openAttacker, type OpenNode } from './attacker-node.ts'
import { fieldsOf, seal } from './forged-bundle.ts'
import type { RoleOptions } from './opening.ts'
import { askDeputy, sendWithStolenKey, speakBeyondLimits } from './borrowed-authority.ts'
import { tellAttack } from './tell-attack.ts'

/** How long gossip itself remembers a message, and a little more. */
const FORGOTTEN_MS = 16_000
/** How long a refused hello may take. */
const HELLO_MS = 5_000

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
  await widenGrant(mallory, worker)
  await borrowPrincipal(mallory, worker)
  await askDeputy(mallory)
  await skipApproval(mallory, mesh)
  await outlive(mallory, mesh)
  await sendWithStolenKey(mallory, options)
  await arriveAsStranger(options)
  await speakBeyondLimits(mallory, mesh)
  await arriveElsewhereFirst(mallory, worker)
  await replay(mallory, began)
  tellReader(reader)
  tell({ event: 'attacked' })
  await aborted(signal)
  tellCounts('mallory', mallory.host, { sent: 0, tasks: { sent: 0, acknowledged: 0 } })
}

/** A bundle in the name of another worker, with its key, signed by one that is not its. */
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

/** A worker asks the whole crew, which its grant does not let it. */
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

/** The worker passes more on to itself than it was given. */
async function widenGrant(mallory: OpenNode, worker: Agent): Promise<void> {
  const bundle = await underForged(mallory, worker, { actions: ['publish', 'request'] })
  await mallory.mesh.publish(CREW, bundle.bytes)
  tellAttack({
    name: 'over-scoped re-delegation',
    what: `${worker.name} may publish, and grants itself to ask as well`,
    code: 'wider-than-parent',
    id: bundle.idText,
  })
}

/** The worker uses what it may do for one principal as if it were for another. */
async function borrowPrincipal(mallory: OpenNode, worker: Agent): Promise<void> {
  const bundle = await underForged(mallory, worker, { onBehalfOf: COUNSEL })
  await mallory.mesh.publish(CREW, bundle.bytes)
  tellAttack({
    name: 'a borrowed principal',
    what: `${worker.name} acts for acme.example, and does it as if for ${COUNSEL}`,
    code: 'wider-than-parent',
    id: bundle.idText,
  })
}

/** What needs the planner's approval is done without. */
async function skipApproval(mallory: OpenNode, mesh: string): Promise<void> {
  const identity = await (await openHome(homeOf(mesh, 'mallory'))).readIdentity(CLEANER)
  const fields = await fieldsOf(mallory, identity, grantsOf(identity)[0])
  const bundle = await seal(identity.signer, fields, 'delete it all')
  await mallory.mesh.publish(CREW, bundle.bytes)
  tellAttack({
    name: 'missing approval',
    what: `${identity.name} may write to the crew with the planner's approval, and has none`,
    code: 'unapproved',
    id: bundle.idText,
  })
}

/** A bundle under a grant that the worker has made for itself of its own one. */
async function underForged(
  mallory: OpenNode,
  worker: Agent,
  changes: Partial<Pick<Grant, 'actions' | 'onBehalfOf'>>,
): Promise<Bundle> {
  const { identity } = worker
  const [own] = worker.grants
  if (own === undefined) throw new Error('Cannot attack: the worker has no grant')
  const forged = await issueStatement(
    {
      ...own.statement,
      issuer: identity.name,
      nonce: nodeRandom(16),
      subject: parsePattern(identity.name),
      subjectKey: identity.signer.publicKey,
      parent: own.id,
      ...changes,
    },
    identity.signer,
    nodeSha256,
  )
  const liar = { ...identity, statements: [...identity.statements, forged] }
  const fields = await fieldsOf(mallory, liar, forged)
  const action = changes.actions === undefined ? 'publish' : 'request'
  return await seal(identity.signer, { ...fields, action }, 'obey me')
}

/** A worker whose binding ended minutes ago still has its key. */
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

/** A genuine message once more, when gossip has forgotten it and its lifespan has not ended. */
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

/** A node of an organisation that nobody here knows. */
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

/** A node of the organisation subscribes to the crew and to the results without any right. */
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
  // Whoever is admitted hears of its organisation's revocations, and of nothing else.
  const wanted: readonly string[] = [CREW, RESULTS]
  const read = reader.seen.filter(({ topic }) => wanted.includes(topic))
  const bytes = read.reduce((sum, message) => sum + message.bytes.length, 0)
  tellAttack({
    name: 'a reader without the right',
    what: `${READER_NODE} subscribed to ${CREW} and ${RESULTS}; it got ${bytes} bytes`,
    code: 'not-granted',
    sender: READER_NODE,
    hadEffect: bytes > 0,
  })
}

/** The bytes of a genuine message first on another topic, to make the message a duplicate. */
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
    mustArrive: { text, shows: 'and the genuine one arrived all the same' },
  })
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

function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => systemClock.at(Date.now() + milliseconds, resolve))
}
