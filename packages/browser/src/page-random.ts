import type { Random } from '@ixj/trust'

/** Random bytes of the browser; any length. */
export const pageRandom: Random = (length) => {
  const bytes = new Uint8Array(length)
  // One call gives 64 KiB at most.
  for (let start = 0; start < length; start += 65_536) {
    crypto.getRandomValues(bytes.subarray(start, start + 65_536))
  }
  return bytes
}
