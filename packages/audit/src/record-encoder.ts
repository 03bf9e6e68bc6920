import type { Name } from '@ixj/names'
import { concatBytes, encode, equalBytes, TrustError, type Value } from '@ixj/trust'
import { RECORD_BYTES_MAX } from './limits.ts'
import {
  agentFields,
  bundleFields,
  encodeRecord,
  type AuditRecord,
  type BundleRecord,
  type RecordedAgent,
  VERSION,
} from './record.ts'

/** Bundles for fewer agents are encoded as they come. */
const SHARED_AGENTS_MIN = 8
/** Senders for whom an encoding is kept, for one list of agents; then it begins anew. */
const SHARED_SENDERS_MAX = 256
/** The place of the id among the fields of a bundle's record. */
const ID_AT = 9

/** The fields of a record, and their encoding but for when it was decided and the bundle's id. */
interface Shared {
  readonly fields: readonly Value[]
  /** Up to the time, from there to the id, and after that. */
  readonly pieces: readonly [Uint8Array, Uint8Array, Uint8Array]
}

/**
 * Encodes the records of one log, as {@link encodeRecord} does. What one sender says to a group of many
 * differs in time and id alone, from bundle to bundle: all else is encoded once, as long as the list of
 * agents is kept, for up to 256 senders.
 */
export class RecordEncoder {
  readonly #shared = new WeakMap<readonly RecordedAgent[], Map<Name | null, Shared>>()

  /** The one encoding of a record. @throws TrustError `too-large` */
  encode(record: AuditRecord): Uint8Array {
    if (record.kind !== 'bundle' || record.agents.length < SHARED_AGENTS_MIN) {
      return encodeRecord(record)
    }
    const [start, middle, end] = this.#piecesOf(record)
    const bytes = concatBytes(start, encode(record.at), middle, encode(record.id), end)
    if (bytes.length <= RECORD_BYTES_MAX) return bytes
    const tried = `Cannot encode a record into ${bytes.length} bytes`
    throw new TrustError('too-large', `${tried}, limit ${RECORD_BYTES_MAX}`)
  }

  #piecesOf(record: BundleRecord): Shared['pieces'] {
    const { agents, agentsCount, sender } = record
    const fields = [...bundleFields(record), agentsCount]
    let senders = this.#shared.get(agents)
    if (senders === undefined) {
      senders = new Map()
      this.#shared.set(agents, senders)
    }
    const known = senders.get(sender)
    if (known !== undefined && areAlike(known.fields, fields)) return known.pieces
    const pieces = encodePieces(fields, agents)
    if (senders.size >= SHARED_SENDERS_MAX) senders.clear()
    senders.set(sender, { fields, pieces })
    return pieces
  }
}

function areAlike(one: readonly Value[], other: readonly Value[]): boolean {
  return one.every((field, at) => at === ID_AT || isSame(field, other[at]!))
}

function isSame(one: Value, other: Value): boolean {
  if (one === other) return true
  if (one instanceof Uint8Array) return other instanceof Uint8Array && equalBytes(one, other)
  if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false
  return one.every((item: Value, at) => isSame(item, other[at] as Value))
}

/** The fields with their agents, which are the last but one. */
function encodePieces(
  fields: readonly Value[],
  agents: readonly RecordedAgent[],
): Shared['pieces'] {
  // An array of 16 items or more begins with 0xdc, and how many in two bytes: the version, the kind,
  // the time, and the agents beside these.
  const head = Uint8Array.of(0xdc, 0, fields.length + 4)
  const start = concatBytes(head, encodeItems([VERSION, 'bundle']))
  const end = [...fields.slice(ID_AT + 1, -1), agentFields(agents), ...fields.slice(-1)]
  return [start, encodeItems(fields.slice(0, ID_AT)), encodeItems(end)]
}

/** Of up to 15 items, without the byte in which their array says how many they are. */
function encodeItems(items: readonly Value[]): Uint8Array {
  return encode(items, { bytesMax: RECORD_BYTES_MAX }).subarray(1)
}
