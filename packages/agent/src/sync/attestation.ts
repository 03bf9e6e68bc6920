import { isAtOrBelow, type Name } from '@ixj/names'
import {
  checkAuthority,
  checkName,
  decode,
  encode,
  equalBytes,
  findFreshness,
  findGrants,
  readArray,
  readBytes,
  readOptional,
  readTime,
  requireFresh,
  SKEW_MS,
  toHex,
  TrustError,
  type Authority,
  type NameChain,
  type ProofStatements,
  type Random,
  type Verifier,
} from '@ixj/trust'
import type { Bundle } from '../bundles/bundle.ts'
import { holds, readSignedBody, signBody, type SignedBody } from '../bundles/signed-body.ts'
import type { Clock } from '../clock.ts'
import { grantsOf, provingStatements, type Identity } from '../host/identity.ts'
import type { HistoryRow } from '../history/history-rows.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { Carrier } from '../pipeline/context.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { TrustState } from '../revoked/trust-state.ts'
import { ATTEST_BYTES_MAX } from './limits.ts'

/** What attesting, and checking what others attest, needs of its node. */
export interface AttestingNode {
  readonly identity: Identity
  readonly chain: NameChain
  readonly clock: Clock
  readonly random: Random
  readonly verifier: Verifier
  readonly trust: TrustState
  readonly proofs: ProofBook
  readonly neighbours: Neighbours
}

/** What a keeper of history signs about one bundle. */
interface Attestation {
  readonly signed: SignedBody
  readonly bundle: Uint8Array
  /** When it had the bundle, and found that it held; ms since the Unix epoch. */
  readonly receivedAt: number
  /** Leaf grant with `keep` on the topic; null: the keeper owns the topic. */
  readonly authority: Uint8Array | null
  readonly proof: Uint8Array
}

const OWN_FIELDS = 4

/**
 * What a node says of a bundle that it found to hold while it kept it: when that was. Null where its
 * own name neither owns the topic nor holds `keep` for it, where it only believed another, or could not
 * open it.
 */
export async function attest(row: HistoryRow, node: AttestingNode): Promise<Uint8Array | null> {
  const { identity, clock, random, proofs } = node
  if (row.origin === 'attested' || row.origin === 'carried') return null
  const need = {
    subject: identity.name,
    subjectKey: identity.signer.publicKey,
    action: 'keep',
    topic: row.topic,
    now: clock.now(),
  } as const
  const [grant] = findGrants(grantsOf(identity), need)
  if (grant === undefined && !isAtOrBelow(row.topic, identity.name)) return null
  const leaves = grant === undefined ? [] : [grant]
  const proof = proofs.compose(provingStatements(identity, leaves), identity)
  const pair = await signBody(
    'attest',
    { signer: identity.name, time: clock.now(), nonce: random(16) },
    [row.id, row.verifiedAt, grant?.id ?? null, proof.id],
    identity.signer,
  )
  return encode([...pair], { bytesMax: ATTEST_BYTES_MAX })
}

/**
 * When a keeper had this bundle, by its word.
 * @throws TrustError, Refusal why its word does not count
 */
export async function vouchedAt(
  bytes: Uint8Array,
  about: { readonly bundle: Bundle; readonly from: Carrier },
  node: AttestingNode,
): Promise<number> {
  const { bundle, from } = about
  const attestation = decodeAttestation(bytes)
  checkAbout(attestation, bundle, node.clock.now())
  const material = await materialOf(attestation, from, node)
  checkKeeper(attestation, bundle.header.topic, material, node)
  if (await holds(attestation.signed, node.verifier)) return attestation.receivedAt
  const { signer } = attestation.signed
  throw new TrustError('bad-signature', `Cannot take word of history: it is not by ${signer}'s key`)
}

function decodeAttestation(bytes: Uint8Array): Attestation {
  const pair = readArray(decode(bytes, { bytesMax: ATTEST_BYTES_MAX }), 'attestation', 2)
  const bytesMax = ATTEST_BYTES_MAX
  const signed = readSignedBody('attest', pair, { fields: OWN_FIELDS, bytesMax })
  const [bundle, receivedAt, authority, proof] = signed.fields
  return {
    signed,
    bundle: readBytes(bundle, 'bundle of attestation'),
    receivedAt: readTime(receivedAt, 'time of attestation'),
    authority: readOptional(authority, 'authority of attestation', readBytes),
    proof: readBytes(proof, 'proof of attestation'),
  }
}

/** It is about this bundle, and says a time at which the bundle was there. */
function checkAbout({ bundle, receivedAt, signed }: Attestation, about: Bundle, now: number): void {
  if (!equalBytes(bundle, about.id)) {
    throw new Refusal('form', `Cannot take word of history: it is not about ${about.idText}`)
  }
  const first = about.header.sentAt - SKEW_MS
  const last = Math.min(signed.time, now + SKEW_MS)
  if (receivedAt >= first && receivedAt <= last) return
  const limit = `between ${first}, when it was sent, and ${last}`
  throw new Refusal('future', `Cannot take word of history: ${receivedAt} is not ${limit}`)
}

async function materialOf(
  { proof }: Attestation,
  { from }: Carrier,
  { proofs, neighbours }: AttestingNode,
): Promise<ProofStatements> {
  const idText = toHex(proof)
  const known = proofs.material(idText)
  if (known !== undefined) return known
  await neighbours.get(from)?.waitForProof(proof, { bytes: 0, isHereAlone: true })
  const found = proofs.material(idText)
  if (found !== undefined) return found
  throw new Refusal('proof-missing', `Cannot complete proof ${idText} of a keeper of history`)
}

/** Its name and key hold now, and so does its right to keep this topic. */
function checkKeeper(
  { signed, authority }: Attestation,
  topic: Name,
  material: ProofStatements,
  node: AttestingNode,
): void {
  const { trust, clock, chain: own } = node
  const { anchors, statuses } = trust
  const now = clock.now()
  const { signer: name, signerKey: key } = signed
  const given = { ...material, anchors, now }
  const chain = checkName({ name, key, use: 'sign', purpose: 'send' }, given)
  const authorities: Authority[] = []
  if (authority !== null) {
    const question = { leaf: authority, subject: name, subjectKey: key, action: 'keep', topic }
    authorities.push(checkAuthority({ ...question, action: 'keep' }, given))
  } else if (!isAtOrBelow(topic, name)) {
    const reason = `${name} is not its owner and names no grant`
    throw new TrustError('not-granted', `Cannot take word of the history of ${topic}: ${reason}`)
  }
  const issuers = authorities.flatMap((each) => each.issuers)
  const isOwn = [chain, ...issuers].every((each) => each.organisation === own.organisation)
  const freshness = findFreshness({ names: [chain], authorities }, { statuses, now })
  requireFresh(freshness, { isOwn, isState: false, now }, `Cannot take word of ${name}`)
}
