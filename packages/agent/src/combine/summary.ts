import { leafHash, MerkleTree } from '@ixj/audit'
import { parseName, type Name } from '@ixj/names'
import {
  encodeApplication,
  equalBytes,
  toHex,
  type ApplicationValue,
  type Sha256,
} from '@ixj/trust'
import { MESSAGE_ID_BYTES } from '../bundles/message.ts'
import { SUMMARY_BYTES_MAX } from '../limits.ts'
import type { Body } from '../patterns/message.ts'
import { Refusal } from '../pipeline/verdicts.ts'

/** The content type of a summary. */
export const COMBINED_TYPE = 'ixj/combined'

/** One message that a combiner took in. */
export interface Contribution {
  readonly sender: Name
  readonly key: Uint8Array
  readonly bundle: Uint8Array
  readonly message: Uint8Array
}

/** What a combiner passes up; docs/protocol.md, "Combined messages". */
export interface Summary {
  /** The node that keeps the originals. */
  readonly node: Name
  readonly reducer: string
  readonly value: Body
  /** In the order in which they were reduced. */
  readonly contributions: readonly Contribution[]
}

/** A message's contribution, as one text: it is the same on every retry. */
export function contributionKey({ key, message }: Pick<Contribution, 'key' | 'message'>): string {
  return `${toHex(key)}${toHex(message)}`
}

/** Bytes that a contribution takes in a summary, at most. */
export function contributionBytes(sender: Name): number {
  return sender.length + FIELD_BYTES
}

/** The body of a summary. */
export function summaryBody(summary: Summary, hash: Sha256): Body {
  const { node, reducer, value, contributions } = summary
  const list = contributions.map(({ sender, key, bundle, message }) => [
    sender,
    key,
    bundle,
    message,
  ])
  return [VERSION, node, reducer, value, rootOf(list, hash), list]
}

/**
 * Reads a summary. No contribution is in it twice, and the root is theirs.
 * @throws Refusal `body`; NameError
 */
export function readSummary(body: Body, hash: Sha256): Summary {
  const fields = readArray(body, 6)
  const [version, node, reducer, value, root, list] = fields
  if (version !== VERSION) throw unreadable('its version is not known')
  if (typeof reducer !== 'string' || !(root instanceof Uint8Array) || !Array.isArray(list)) {
    throw unreadable('a field is of another kind')
  }
  const contributions = list.map(readContribution)
  const different = new Set(contributions.map(contributionKey))
  if (contributions.length === 0 || different.size !== contributions.length) {
    throw unreadable('it has no contribution, or one twice')
  }
  if (!equalBytes(root, rootOf(list, hash))) throw unreadable('its root is not that of its list')
  return { node: readName(node), reducer, value: value as Body, contributions }
}

function readContribution(field: ApplicationValue): Contribution {
  const [sender, key, bundle, message] = readArray(field, 4)
  return {
    sender: readName(sender),
    key: readBytes(key, 32),
    bundle: readBytes(bundle, 32),
    message: readBytes(message, MESSAGE_ID_BYTES),
  }
}

/** RFC 6962: the leaves are the encoded contributions. */
function rootOf(list: readonly ApplicationValue[], hash: Sha256): Uint8Array {
  const tree = new MerkleTree(hash)
  for (const item of list) {
    tree.append(leafHash(encodeApplication(item, { bytesMax: SUMMARY_BYTES_MAX }), hash))
  }
  return tree.root()
}

function readArray(value: Body | undefined, length: number): readonly ApplicationValue[] {
  if (!Array.isArray(value) || value.length !== length) {
    throw unreadable(`expected an array of ${length}`)
  }
  return value as readonly ApplicationValue[]
}

function readName(value: Body | undefined): Name {
  if (typeof value !== 'string') throw unreadable('expected a name')
  return parseName(value)
}

function readBytes(value: Body | undefined, length: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== length) {
    throw unreadable(`expected ${length} bytes`)
  }
  return value
}

function unreadable(reason: string): Refusal {
  return new Refusal('body', `Cannot read a summary: ${reason}`)
}

const VERSION = 1
/** Key, ids and what encoding adds. */
const FIELD_BYTES = 96
