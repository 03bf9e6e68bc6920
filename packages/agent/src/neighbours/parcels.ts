import { FRAME_PARCEL_BYTES } from '../limits.ts'

/** What several frames are to bring, in its order, as it fits into each: at most so many in one. */
export function parcelsOf(
  all: readonly Uint8Array[],
  itemsMax: number,
): readonly (readonly Uint8Array[])[] {
  const frames: Uint8Array[][] = []
  let current: Uint8Array[] = []
  let bytes = 0
  for (const item of all) {
    const full = current.length === itemsMax
    if (current.length > 0 && (full || bytes + item.length > FRAME_PARCEL_BYTES)) {
      frames.push(current)
      current = []
      bytes = 0
    }
    current.push(item)
    bytes += item.length
  }
  if (current.length > 0) frames.push(current)
  return frames
}
