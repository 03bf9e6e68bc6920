import type { Name } from '@ixj/names'
import {
  checkName,
  decode,
  decodeProof,
  decodeStatement,
  encode,
  equalBytes,
  findAnchor,
  findFreshness,
  isBinding,
  readArray,
  readBytes,
  readBytesUpTo,
  readList,
  readName,
  readText,
  requireFresh,
  resolveProof,
  SKEW_MS,
  STATEMENT_BYTES_MAX,
  statementsOfChain,
  TrustError,
  type Standpoint,
  type NameChain,
  type ProofStatements,
  type Random,
  type Sha256,
  type SignedStatement,
  type Signer,
  type Value,
  type Verifier,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { checkVersion } from '../bundles/version.ts'
import { holds, readSignedBody, signBody } from '../bundles/signed-body.ts'
import { HELLO_NOTICES_MAX, HELLO_STATEMENTS_MAX, NOTICE_BYTES_MAX } from '../limits.ts'
import { Refusal, VERDICTS } from '../pipeline/verdicts.ts'
import type { NoticeBook } from '../revoked/notice-book.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import type { RoundTrip } from '../pipeline/clock-offset.ts'
import type { Channel, Peer, Proved } from '../transport.ts'
import { CHANNEL_FRAME_BYTES_MAX } from '../transport.ts'
import { checkNotRevoked } from './renewed-chain.ts'
import type { ZoneKeyBook } from './zone-keys.ts'

/** What a node brings to a hello. */
export interface HelloContext {
  readonly name: Name
  readonly signer: Signer
  readonly clock: Clock
  readonly random: Random
  readonly verifier: Verifier
  readonly trust: TrustState
  /** The node's own. */
  readonly organisation: Name
  /** Where statuses that come with a hello go. */
  readonly notices: NoticeBook
  /** What this node has at home; without it no cross-certificate counts. */
  readonly standpoint?: () => Standpoint
  readonly zoneKeys: ZoneKeyBook
  readonly hash: Sha256
  /** What a neighbour proved before hello. */
  readonly proved?: (peer: Peer) => Proved | undefined
  /** The other side signed a time between two of ours. */
  readonly measured: (node: Name, trip: RoundTrip) => void
  /** Our own proof, as it is now, the statements in it, and the newest statuses of their issuers. */
  readonly proof: () => {
    readonly bytes: Uint8Array
    readonly envelopes: readonly Uint8Array[]
    readonly statuses: readonly Uint8Array[]
  }
  /** Keeps a statement of a peer after its signature held; gives it. @throws TrustError `bad-signature` */
  readonly keep: (envelope: Uint8Array, owner: Peer) => Promise<SignedStatement>
}

/** The two ends of a connection as the channel proved them. */
export interface Ends {
  readonly initiator: Peer
  readonly responder: Peer
}

/** A neighbour that proved its name. */
export interface Greeted {
  readonly name: Name
  readonly key: Uint8Array
  readonly chain: NameChain
  /** Both nonces, initiator's first: unguessable to others, and new for each connection. */
  readonly session: Uint8Array
}

type Role = 'initiator' | 'responder'
const NONCE_BYTES = 32
const OWN_FIELDS = 7

/**
 * The initiator's side of `/ixj/hello/1`: it proves its name first, and learns the other's.
 * @throws Refusal `hello`; TrustError for a proof or hello that does not hold
 */
export async function initiateHello(
  channel: Channel,
  ends: Ends,
  context: HelloContext,
): Promise<Greeted> {
  const frames = reader(channel)
  const nonce = context.random(NONCE_BYTES)
  await channel.send(encode([1, 'open', nonce]))
  const challenge = await frames('challenge', 4)
  const theirNonce = readBytes(challenge[2], 'nonce of challenge', NONCE_BYTES)
  const theirName = readName(challenge[3], 'name of challenge')
  const session = joined(nonce, theirNonce)
  const names = { initiator: context.name, responder: theirName }
  const from = context.clock.now()
  await channel.send(await prove('initiator', { ends, names, session }, context))
  const proved = await frames('prove', 7)
  const received = { proved, owner: ends.responder, from }
  return check('responder', { ends, names, session }, received, context)
}

/**
 * The responder's side: nothing but its name is told before the initiator's proof held.
 * `admit` runs when it held, before our own proof is sent: the initiator may use what it opens.
 * @throws Refusal `hello`; TrustError for a proof or hello that does not hold
 */
export async function respondHello(
  channel: Channel,
  ends: Ends,
  context: HelloContext,
  admit: (greeted: Greeted) => void,
): Promise<Greeted> {
  const frames = reader(channel)
  const open = await frames('open', 3)
  const theirNonce = readBytes(open[2], 'nonce of open', NONCE_BYTES)
  const nonce = context.random(NONCE_BYTES)
  const from = context.clock.now()
  await channel.send(encode([1, 'challenge', nonce, context.name]))
  const session = joined(theirNonce, nonce)
  const proved = await frames('prove', 7)
  let greeted: Greeted
  try {
    const names = { initiator: peekName(proved), responder: context.name }
    greeted = await check(
      'initiator',
      { ends, names, session },
      { proved, owner: ends.initiator, from },
      context,
    )
  } catch (cause) {
    // Outsiders are told the code alone; the explanation stays home.
    const code = cause instanceof TrustError || cause instanceof Refusal ? cause.code : 'hello'
    await channel.send(encode([1, 'refused', code]))
    throw cause
  }
  const names = { initiator: greeted.name, responder: context.name }
  const answer = await prove('responder', { ends, names, session }, context)
  admit(greeted)
  await channel.send(answer)
  return greeted
}

interface Scene {
  readonly ends: Ends
  readonly names: { readonly initiator: Name; readonly responder: Name }
  readonly session: Uint8Array
}

/** `[1, "prove", proof, statements, hello body, signature, statuses]`. */
async function prove(role: Role, scene: Scene, context: HelloContext): Promise<Uint8Array> {
  const [body, signature] = await signBody(
    'hello',
    { signer: context.name, time: context.clock.now(), nonce: context.random(16) },
    sceneFields(role, scene),
    context.signer,
  )
  const { bytes, envelopes, statuses } = context.proof()
  return encode([1, 'prove', bytes, envelopes, body, signature, statuses], {
    bytesMax: CHANNEL_FRAME_BYTES_MAX,
  })
}

/**
 * The hello signs role, both peer ids as the channel proved them, both names and both nonces, so a
 * man in the middle cannot pass it on to another channel.
 */
function sceneFields(role: Role, scene: Scene): readonly Value[] {
  const { ends, names, session } = scene
  return [
    role,
    ends.initiator,
    ends.responder,
    names.initiator,
    names.responder,
    session.slice(0, NONCE_BYTES),
    session.slice(NONCE_BYTES),
  ]
}

async function check(
  role: Role,
  scene: Scene,
  received: {
    readonly proved: readonly Value[]
    readonly owner: Peer
    /** When what it answers was sent, by our clock. */
    readonly from: number
  },
  context: HelloContext,
): Promise<Greeted> {
  const { proved, owner, from } = received
  const hello = readHello(proved)
  const now = context.clock.now()
  if (Math.abs(hello.time - now) > SKEW_MS) {
    throw new Refusal(
      'hello',
      `Cannot greet: its clock is ${hello.time - now} ms off, limit ${SKEW_MS}`,
    )
  }
  const expected = sceneFields(role, scene)
  if (!expected.every((field, index) => sameField(field, hello.fields[index]))) {
    throw new Refusal(
      'hello',
      'Cannot greet: it signed other ends, names or nonces than this channel has',
    )
  }
  const expectedName = scene.names[role]
  if (hello.signer !== expectedName) {
    throw new Refusal('hello', `Cannot greet ${hello.signer}: it said to be ${expectedName}`)
  }
  // "The name and key of a login are those of its hello": else limits of a key would be nobody's.
  const login = context.proved?.(owner)
  const isSame = login?.name === hello.signer && equalBytes(login.key, hello.signerKey)
  if (login !== undefined && !isSame) {
    const reason = `it logged in as ${login.name}, or with another key`
    throw new Refusal('hello', `Cannot greet ${hello.signer}: ${reason}`)
  }
  // A stranger is told off before any signature is checked: the chain is read as it stands, then the
  // hello itself has to hold, and then the links of that one chain. Only these are kept. Records of
  // the DNS are all that costs more before: those who dial in share a budget for that, and cannot
  // use up the one of a node that we dialled.
  const payer = role === 'responder' ? owner : null
  const { material, dnssec } = await readMaterial(proved, hello.signer, payer, context)
  const chain = checkName(
    { name: hello.signer, key: hello.signerKey, use: 'sign', purpose: 'connect' },
    { ...material, anchors: context.trust.anchors, now },
  )
  if (!(await holds(hello, context.verifier))) {
    throw new TrustError(
      'bad-signature',
      `Cannot greet ${hello.signer}: the hello is not by its key`,
    )
  }
  context.measured(hello.signer, { from, to: now, signedAt: hello.time })
  const kept = await keepChain(chain, owner, context)
  if (dnssec !== undefined) context.zoneKeys.learnFrom(dnssec)
  await takeStatuses(proved, owner, context)
  checkConnectable(chain, context)
  return { name: hello.signer, key: hello.signerKey, chain: kept, session: scene.session }
}

/** The chain, of the statements as they are kept: a relay has thousands of neighbours. */
async function keepChain(chain: NameChain, owner: Peer, context: HelloContext): Promise<NameChain> {
  const kept = new Map<string, SignedStatement>()
  for (const { envelope } of statementsOfChain(chain)) {
    const signed = await context.keep(envelope, owner)
    kept.set(signed.idText, signed)
  }
  const links = chain.links.map((link) => {
    const signed = kept.get(link.idText)
    return signed !== undefined && isBinding(signed) ? signed : link
  })
  return { ...chain, links }
}

/** Only bytes that no honest node sends are held against it; what we cannot use may be of use later. */
async function takeStatuses(
  proved: readonly Value[],
  owner: Peer,
  { notices }: HelloContext,
): Promise<void> {
  const list = readList(proved[6], 'statuses of hello', {
    itemsMax: HELLO_NOTICES_MAX,
    item: (field, what) => readBytesUpTo(field, what, NOTICE_BYTES_MAX),
  })
  for (const bytes of list) {
    try {
      await notices.take(bytes, owner)
    } catch (cause) {
      const isCoded = cause instanceof TrustError || cause instanceof Refusal
      if (!isCoded || VERDICTS[cause.code] === 'reject') throw cause
    }
  }
}

/**
 * Nodes of one's own organisation go on without a status, so that those who are cut off keep meeting.
 * Others have to bring a fresh one; what it speaks of may still be missing, and is fetched then.
 */
function checkConnectable(chain: NameChain, context: HelloContext): void {
  const { trust, notices, clock, organisation } = context
  const now = clock.now()
  checkNotRevoked(chain, trust.revocations)
  const tried = `Cannot greet ${chain.name}`
  const statuses = { held: (of: Name) => notices.heard(of) }
  const use = { isOwn: chain.organisation === organisation, isState: true, now }
  requireFresh(findFreshness({ names: [chain] }, { statuses, now }), use, tried)
}

/**
 * The statements that the proof names, in its order; their signatures are not checked here. DNSSEC
 * records are looked at only where a zone anchor of ours lets nodes of the claimed name connect.
 */
async function readMaterial(
  proved: readonly Value[],
  signer: Name,
  from: Peer | null,
  { hash, zoneKeys, trust, standpoint }: HelloContext,
): Promise<{ readonly material: ProofStatements; readonly dnssec?: Uint8Array }> {
  const proof = decodeProof(readBytesUpTo(proved[2], 'proof of hello', CHANNEL_FRAME_BYTES_MAX))
  const envelopes = readList(proved[3], 'statements of hello', {
    itemsMax: HELLO_STATEMENTS_MAX,
    item: (field, what) => readBytesUpTo(field, what, STATEMENT_BYTES_MAX),
  })
  const statements = envelopes.map((envelope) => decodeStatement(envelope, hash))
  const byId = new Map(statements.map((signed) => [signed.idText, signed]))
  const { anchors, revocations } = trust
  const atHome = standpoint === undefined ? {} : { standpoint: standpoint() }
  const resolved = { ...resolveProof(proof, byId), ...atHome, revocations }
  // Whom no anchor is above, cross-certificates or the root of the DNS let through, or nothing does.
  if (anchors.for(signer) !== undefined) findAnchor({ name: signer, purpose: 'connect' }, anchors)
  const { dnssec } = proof
  if (dnssec === undefined || !anchors.asksDns(signer)) return { material: resolved }
  await zoneKeys.check(dnssec, from)
  return { material: { ...resolved, ...zoneKeys.proven(dnssec) }, dnssec }
}

function readHello(proved: readonly Value[]) {
  return readSignedBody('hello', proved.slice(4, 6), { fields: OWN_FIELDS, bytesMax: 4_096 })
}

function peekName(proved: readonly Value[]): Name {
  return readHello(proved).signer
}

function sameField(expected: Value, found: Value | undefined): boolean {
  if (expected instanceof Uint8Array)
    return found instanceof Uint8Array && equalBytes(expected, found)
  return expected === found
}

function joined(initiator: Uint8Array, responder: Uint8Array): Uint8Array {
  const session = new Uint8Array(initiator.length + responder.length)
  session.set(initiator)
  session.set(responder, initiator.length)
  return session
}

/** Reads the next frame, which must be of that kind and length, or a refusal. */
function reader(channel: Channel): (kind: string, fields: number) => Promise<readonly Value[]> {
  const frames = channel.frames()[Symbol.asyncIterator]()
  return async (kind, fields) => {
    const next = await frames.next()
    if (next.done === true) {
      throw new Refusal('hello', `Cannot greet: the other side left before its "${kind}"`)
    }
    const value = decode(next.value, { bytesMax: CHANNEL_FRAME_BYTES_MAX })
    checkVersion(value, `hello frame "${kind}"`)
    if (Array.isArray(value) && value[1] === 'refused') {
      const remoteCode = readText(value[2], 'code of refusal', 64)
      throw new Refusal('hello', `Cannot greet: the other side refused (${remoteCode})`)
    }
    const frame = readArray(value, kind, fields)
    if (frame[1] !== kind) throw new Refusal('hello', `Cannot greet: expected "${kind}"`)
    return frame
  }
}
