import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  readArray,
  readBytes,
  readName,
  readTime,
  TrustError,
  type Sha256,
  type Signer,
} from '@ixj/trust'
import { APPROVAL_BYTES_MAX, APPROVAL_MS_MAX } from '../limits.ts'
import { readSignedBody, signBody, type Signature, type SignedBody } from './signed-body.ts'

/** What somebody approves: one message, by one sender, under one grant. Ids and digests are bytes. */
export interface Approved {
  readonly topic: Name
  readonly sender: Name
  /** 32 bytes: the grant that asks for approvals. */
  readonly authority: Uint8Array
  /** 16 bytes. */
  readonly messageId: Uint8Array
  /** 32 bytes: SHA-256 of the messages of the bundle, which holds this one message. */
  readonly digest: Uint8Array
  /** 32 bytes: how it will be sent, and to whom; see {@link termsOf}. */
  readonly terms: Uint8Array
  /** ms since the Unix epoch; at most 5 min after the approval's time. */
  readonly notAfter: number
}

/** An approval as it stands in a header; docs/protocol.md, "Approvals". */
export interface Approval extends Approved {
  readonly signed: SignedBody
  /** `[body, signature]`, encoded. */
  readonly envelope: Uint8Array
}

const OWN_FIELDS = 7
const BODY_BYTES_MAX = APPROVAL_BYTES_MAX - 72

/**
 * Signs an approval and gives its envelope.
 * @throws TrustError `form` if notAfter is not after its time, or more than 5 min after
 */
export async function signApproval(
  approved: Approved,
  signature: Omit<Signature, 'signerKey'>,
  signer: Signer,
): Promise<Uint8Array> {
  const { topic, sender, authority, messageId, digest, terms, notAfter } = approved
  checkEnd(signature.time, notAfter)
  const fields = [topic, sender, authority, messageId, digest, terms, notAfter]
  return encode([...(await signBody('approval', signature, fields, signer))])
}

/**
 * Reads an approval: its form alone; whether it holds, and for what, is not checked here.
 * @throws TrustError `encoding`, `too-large`, `depth`, `form`, `name`, `wrong-kind`, `unsupported`
 */
export function decodeApproval(envelope: Uint8Array): Approval {
  const value = decode(envelope, { bytesMax: APPROVAL_BYTES_MAX })
  const pair = readArray(value, 'approval', 2)
  const signed = readSignedBody('approval', pair, { fields: OWN_FIELDS, bytesMax: BODY_BYTES_MAX })
  const { fields } = signed
  const approval = {
    signed,
    envelope,
    topic: readName(fields[0], 'topic of approval'),
    sender: readName(fields[1], 'sender of approval'),
    authority: readBytes(fields[2], 'authority of approval'),
    messageId: readBytes(fields[3], 'message id of approval', 16),
    digest: readBytes(fields[4], 'digest of approval'),
    terms: readBytes(fields[5], 'terms of approval'),
    notAfter: readTime(fields[6], 'notAfter of approval'),
  }
  checkEnd(signed.time, approval.notAfter)
  return approval
}

/** What of a header is approved beside the message: what it asks of whom, and how urgently. */
export interface Terms {
  readonly action: string
  readonly class: string
  readonly priority: number
  readonly audience: readonly string[] | null
}

/**
 * SHA-256 over `[action, class, priority, audience]`, encoded. Without it, what was approved for
 * one receiver could be sent to all, and what was to be told could be asked.
 */
export function termsOf(terms: Terms, hash: Sha256): Uint8Array {
  const { action, priority, audience } = terms
  return hash(encode([action, terms.class, priority, audience]))
}

/** An approval is for now: a stock of them would be a grant that nobody can see. */
function checkEnd(time: number, notAfter: number): void {
  if (notAfter > time && notAfter - time <= APPROVAL_MS_MAX) return
  throw new TrustError(
    'form',
    `Cannot use approval: it ends ${notAfter - time} ms after its time, must be 1 to ${APPROVAL_MS_MAX}`,
  )
}
