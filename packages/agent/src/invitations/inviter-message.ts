import {
  type ApplicationValue,
  readArray,
  readBytes,
  readBytesUpTo,
  readOneOf,
  readTime,
  type Value,
} from '@ixj/trust'
import type { Body } from '../patterns/message.ts'
import { ANSWER_BYTES_MAX } from './limits.ts'

/** Content type of what an inviter asks of a relay, as a request to the inbox of its node. */
export const INVITATION_TYPE = 'ixj/invitation'

/** What an inviter says to the relay that its invitations go through. Ids are 16 bytes. */
export type InviterMessage =
  /** Open the invitation: from then on claims to it are kept for the inviter. */
  | { readonly kind: 'open'; readonly id: Uint8Array; readonly notAfter: number }
  /** The same, and answer with the next claim, or with nil when none came for a while. */
  | { readonly kind: 'wait'; readonly id: Uint8Array; readonly notAfter: number }
  /** This is the answer to that claim. */
  | {
      readonly kind: 'answer'
      readonly id: Uint8Array
      /** 32 bytes. */
      readonly claimDigest: Uint8Array
      readonly bytes: Uint8Array
    }
  /** Nobody is to use it any more. */
  | { readonly kind: 'close'; readonly id: Uint8Array }

/** The body of a request that says so. */
export function formatInviterMessage(message: InviterMessage): Body {
  switch (message.kind) {
    case 'open':
    case 'wait':
      return [message.kind, message.id, message.notAfter]
    case 'answer':
      return ['answer', message.id, message.claimDigest, message.bytes]
    case 'close':
      return ['close', message.id]
  }
}

/** Reads the body of such a request. @throws TrustError `form` */
export function readInviterMessage(body: ApplicationValue): InviterMessage {
  // A body may hold more than the strict encoding does: whatever is no such value is refused below.
  const items = (Array.isArray(body) ? body : []) as readonly Value[]
  const kind = readOneOf(items[0] ?? null, 'invitation message', [
    'open',
    'wait',
    'answer',
    'close',
  ])
  const fields = (length: number) => readArray([...items], `"${kind}"`, length)
  const id = readBytes(items[1] ?? null, `id of "${kind}"`, 16)
  switch (kind) {
    case 'open':
    case 'wait':
      return { kind, id, notAfter: readTime(fields(3)[2], 'end of invitation') }
    case 'answer': {
      const [, , digest, bytes] = fields(4)
      return {
        kind,
        id,
        claimDigest: readBytes(digest, 'claim of answer'),
        bytes: readBytesUpTo(bytes, 'answer', ANSWER_BYTES_MAX),
      }
    }
    case 'close':
      fields(2)
      return { kind, id }
  }
}
