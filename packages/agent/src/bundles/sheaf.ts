import { decode, encode, readArray, readBytesUpTo, readList } from '@ixj/trust'
import { SHEAF_BUNDLES_MAX } from '../limits.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { MESSAGE_BYTES_MAX } from '../transport.ts'

/** What a bundle costs in its sheaf beside its bytes. */
const FRAME_BYTES = 5
/** What a sheaf costs beside its bundles. */
const SHEAF_BYTES = 8

/** Several bundles in one message: `[[bundle, …]]`. Nobody signs it. @throws TrustError `too-large` */
export function encodeSheaf(bundles: readonly Uint8Array[]): Uint8Array {
  return encode([bundles], { bytesMax: MESSAGE_BYTES_MAX })
}

/**
 * The bundles of a sheaf, 2 to 64, each in memory of its own, so that one that is kept does not keep
 * the others; nothing of them is read yet.
 * @throws Refusal `size`
 * @throws TrustError `encoding`, `depth`, `too-large`, `form`
 */
export function readSheaf(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length > MESSAGE_BYTES_MAX) {
    const reason = `it has ${bytes.length} bytes, limit ${MESSAGE_BYTES_MAX}`
    throw new Refusal('size', `Cannot read sheaf: ${reason}`)
  }
  const [bundles] = readArray(decode(bytes, { bytesMax: MESSAGE_BYTES_MAX }), 'sheaf', 1)
  return readList(bundles, 'sheaf', {
    itemsMin: 2,
    itemsMax: SHEAF_BUNDLES_MAX,
    item: (value, what) => readBytesUpTo(value, what, MESSAGE_BYTES_MAX),
  })
}

/** Bundles in their order, in as few groups as fit a message each. One that fits with no other is alone. */
export function groupForSheaves<Item extends { readonly bytes: Uint8Array }>(
  items: readonly Item[],
): readonly (readonly Item[])[] {
  const groups: Item[][] = []
  let bytes = Infinity
  for (const item of items) {
    const group = groups.at(-1)
    const added = item.bytes.length + FRAME_BYTES
    const hasRoom = bytes + added <= MESSAGE_BYTES_MAX && (group?.length ?? 0) < SHEAF_BUNDLES_MAX
    if (group !== undefined && hasRoom) {
      group.push(item)
      bytes += added
    } else {
      groups.push([item])
      bytes = SHEAF_BYTES + added
    }
  }
  return groups
}
