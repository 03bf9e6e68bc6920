/** Bytes of one slab; whoever keeps a copy keeps at most so much alive. */
const SLAB_BYTES = 8 * 1024
/** Longer copies have memory of their own. */
const SLAB_COPY_BYTES_MAX = 1024
/** Up to this, an engine keeps an array's bytes beside the array itself, which is cheaper still. */
const INLINE_BYTES_MAX = 64

let slab = new Uint8Array(SLAB_BYTES)
let used = 0

/**
 * A copy of a part of some bytes, of which nothing else is written again. Many short copies share
 * the memory of a slab of 8 KiB: made one by one, memory for 200 bytes costs five times the copy.
 */
export function copyOfPart(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start
  if (length <= INLINE_BYTES_MAX || length > SLAB_COPY_BYTES_MAX)
    return plainSlice(bytes, start, end)
  if (used + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES)
    used = 0
  }
  slab.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length), used)
  const copy = new Uint8Array(slab.buffer, used, length)
  used += length
  return copy
}

/** A Buffer's own slice() shares memory, and gives a Buffer. */
function plainSlice(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes.slice(start, end)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length).slice(start, end)
}
