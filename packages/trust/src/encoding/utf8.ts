/**
 * Finds the first byte that is not UTF-8 in `bytes` from `start` to before `end`; -1 if all are.
 * The table of RFC 3629 section 4: no overlong form, no surrogate, nothing above U+10FFFF. By hand,
 * because a runtime's decoder says only that something was wrong, and costs a string for that.
 */
export function findInvalidUtf8(bytes: Uint8Array, start: number, end: number): number {
  let offset = start
  while (offset < end) {
    const lead = bytes[offset]!
    if (lead < 0x80) {
      offset += 1
      continue
    }
    const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    if (lead < 0xc2 || lead > 0xf4 || offset + size > end) return offset
    const second = bytes[offset + 1]!
    // The second byte's range is narrower after four leads: that keeps out what has a shorter form,
    // the surrogates U+D800 to U+DFFF, and what lies above U+10FFFF.
    const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < least || second > most) return offset
    for (let index = 2; index < size; index++) {
      if ((bytes[offset + index]! & 0xc0) !== 0x80) return offset
    }
    offset += size
  }
  return -1
}
