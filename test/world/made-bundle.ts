import { parsePattern } from '@ixj/names'
import { nodeSha256 } from '@ixj/node'
import {
  decode,
  encode,
  encodeApplication,
  encodeProof,
  type Grant,
  proofIdOf,
  type SignedStatement,
  type Signer,
  signingInput,
  signTree,
  sortedSet,
  type Value,
} from '@ixj/trust'
import { sealBundle, type Bundle } from '../../packages/agent/src/bundles/bundle.ts'
import type { Header } from '../../packages/agent/src/bundles/header.ts'
import { encodeMessages, type MessagePart } from '../../packages/agent/src/bundles/message.ts'
import { provingStatements, type Identity } from '../../packages/agent/src/host/identity.ts'
import { name, type World } from './world.ts'

/** Statements, and the proof over them as it travels. */
export interface MadeProof {
  readonly statements: readonly SignedStatement[]
  readonly bytes: Uint8Array
  readonly id: Uint8Array
}

/** A bundle made by hand, with the proof that its header names. */
export interface MadeBundle {
  readonly bundle: Bundle
  readonly bytes: Uint8Array
  readonly proof: MadeProof
}

/** What a made bundle differs in from a plain one: an event of one message, valid for 10 s. */
export interface BundleChanges extends Partial<
  Omit<Header, 'digest' | 'key' | 'topic' | 'audience'>
> {
  readonly to?: readonly string[]
  /** The leaf grant: its id goes into the header, its chain into the proof. */
  readonly under?: SignedStatement<Grant>
  readonly parts?: readonly MessagePart[]
  /** In place of the parts, as they are. */
  readonly messagesBytes?: Uint8Array
  /** In place of what the identity's statements come to. */
  readonly made?: MadeProof
  /** In place of the identity's own key. */
  readonly signer?: Signer
}

/** A message with a body. */
export function partOf(
  world: World,
  body: string,
  changes: Partial<MessagePart> = {},
): MessagePart {
  return {
    id: world.bytes(16),
    correlation: null,
    contentType: null,
    body: encodeApplication(body),
    ...changes,
  }
}

/** A proof over these statements in this order, and these DNSSEC records, whatever they prove. */
export function proofOf(statements: readonly SignedStatement[], dnssec?: Uint8Array): MadeProof {
  const ids = (kind: string) =>
    statements.filter(({ statement }) => statement.kind === kind).map(({ id }) => id)
  const crossing = ids('cross-certificate')
  const bytes = encodeProof({
    bindings: ids('binding'),
    grants: ids('grant'),
    ...(crossing.length === 0 ? {} : { crossCertificates: crossing }),
    ...(dnssec === undefined ? {} : { dnssec }),
  })
  return { statements, bytes, id: proofIdOf(bytes, nodeSha256) }
}

/** Signs a bundle by hand, as any program that has the sender's key could. */
export async function makeBundle(
  world: World,
  sender: Identity,
  topic: string,
  changes: BundleChanges = {},
): Promise<MadeBundle> {
  const {
    to,
    under,
    parts = [partOf(world, 'hello')],
    messagesBytes,
    made,
    signer,
    ...rest
  } = changes
  const leaves = under === undefined ? [] : [under]
  const proof = made ?? proofOf(provingStatements(sender, leaves))
  const now = world.clock.now()
  const fields = {
    topic: name(topic),
    sender: sender.name,
    epoch: now,
    class: 'event',
    action: 'publish',
    first: 1,
    count: parts.length,
    sentAt: now,
    lifespanMs: 10_000,
    priority: 1,
    authority: under?.id ?? null,
    proof: proof.id,
    audience:
      to === undefined
        ? null
        : sortedSet(
            to.map((text) => parsePattern(text)),
            (each) => each,
          ),
    approvals: [],
    encryption: null,
    ...rest,
  } as const
  const bundle = await sealBundle(fields, messagesBytes ?? encodeMessages(parts), {
    signer: signer ?? sender.signer,
    hash: nodeSha256,
  })
  return { bundle, bytes: bundle.bytes, proof }
}

/** The same bundle with its header's fields changed at will, and signed again by the same key. */
export async function resignBundle(
  made: MadeBundle,
  signer: Signer,
  change: (fields: Value[]) => void,
): Promise<Uint8Array> {
  const fields = [...(decode(made.bundle.headerBytes) as readonly Value[])]
  change(fields)
  const header = encode(fields)
  const signature = await signer.sign(signingInput('bundle', header))
  return encode([header, made.bundle.messagesBytes, signature, null], { bytesMax: 128 * 1024 })
}

/** The same bundles with one signature of this key over all of them, as bytes. */
export async function signTogether(
  made: readonly MadeBundle[],
  signer: Signer,
): Promise<readonly Uint8Array[]> {
  const ids = made.map(({ bundle }) => bundle.id)
  const { signature, places } = await signTree('bundle-tree', ids, { signer, hash: nodeSha256 })
  return made.map((each, index) =>
    repackBundle(each, (fields) => {
      fields[2] = signature
      fields[3] = places[index]!
    }),
  )
}

/** The bundle's four fields, changed at will without signing again. */
export function repackBundle(made: MadeBundle, change: (fields: Value[]) => void): Uint8Array {
  const { headerBytes, messagesBytes, signature } = made.bundle
  const fields: Value[] = [headerBytes, messagesBytes, signature, null]
  change(fields)
  return encode(fields, { bytesMax: 128 * 1024 })
}
