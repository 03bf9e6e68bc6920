import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  readArray,
  readBytes,
  readList,
  readName,
  readOneOf,
  readOptional,
  toHex,
  type Sha256,
} from '@ixj/trust'
import { correlationOf, MESSAGE_ID_BYTES } from '../bundles/message.ts'
import { TASK_ADDRESSEES_MAX, TASK_RECORD_BYTES_MAX } from '../limits.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { keptFields, readKept, type KeptBundle } from './kept-bundle.ts'

/** One that a task is for. */
export interface Addressee {
  readonly name: Name
  /** Null: whatever key the name has. */
  readonly key: Uint8Array | null
}

/** For whom a task is, and what of it its bundle may hide. */
export interface Addressed {
  readonly of: 'group' | 'inbox'
  readonly addressees: readonly Addressee[]
  readonly messageId: Uint8Array
}

/** A task on its way out. */
export interface SentTask extends Addressed {
  readonly kept: KeptBundle
  readonly proof: KnownProof
  /** Bundle id ‖ message id in hex: what an acknowledgement refers to. */
  readonly correlation: string
  readonly until: number
  readonly acknowledgements: Acknowledgements
  /** How many nodes were handed it the first time. */
  readonly handed: PromiseWithResolvers<number>
  /** Aborted when it has ended, one way or the other. */
  readonly ending: AbortController
}

/** A task that is stored under these, and about to be sent. */
export function makeSent(kept: KeptBundle, proof: KnownProof, to: Addressed): SentTask {
  const { header, id } = kept.bundle
  const handed = Promise.withResolvers<number>()
  handed.promise.catch(() => {
    // The verb that sent it is told; what an earlier run has sent has nobody who waits.
  })
  return {
    ...to,
    kept,
    proof,
    correlation: toHex(correlationOf(id, to.messageId)),
    until: header.sentAt + header.lifespanMs,
    acknowledgements: new Acknowledgements([...new Set(to.addressees.map(({ name }) => name))]),
    handed,
    ending: new AbortController(),
  }
}

/** The form in which it is stored. */
export function encodeSent({ of, addressees, messageId, kept }: SentTask): Uint8Array {
  const list = addressees.map(({ name, key }) => [name, key])
  return encode([of, list, messageId, keptFields(kept)], { bytesMax: TASK_RECORD_BYTES_MAX })
}

/**
 * Reads it.
 * @throws TrustError `encoding`, `form` for a store that is damaged: nothing is guessed
 */
export function readSent(record: Uint8Array, hash: Sha256): Addressed & Pick<SentTask, 'kept'> {
  const fields = readArray(decode(record, { bytesMax: TASK_RECORD_BYTES_MAX }), 'sent task', 4)
  return {
    of: readOneOf(fields[0], 'kind of sent task', ['group', 'inbox']),
    addressees: readList(fields[1], 'addressees of sent task', {
      itemsMax: TASK_ADDRESSEES_MAX,
      item: (field, what) => {
        const [name, key] = readArray(field, what, 2)
        return {
          name: readName(name, `name of ${what}`),
          key: readOptional(key, `key of ${what}`, readBytes),
        }
      },
    }),
    messageId: readBytes(fields[2], 'message of sent task', MESSAGE_ID_BYTES),
    kept: readKept(fields[3], 'sent task', hash),
  }
}
