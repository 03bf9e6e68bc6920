/** Changes some of the bytes, in one of the ways in which a forger might; never gives them as they were. */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: () => number): Uint8Array {
  for (;;) {
    const changed = mutateOnce(bytes, other, random)
    if (!isSame(changed, bytes) && !isSame(changed, other)) return changed
  }
}

function mutateOnce(bytes: Uint8Array, other: Uint8Array, random: () => number): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit)
  const place = below(bytes.length)
  const byte = bytes[place] ?? 0
  switch (below(8)) {
    // One bit: most of all, since it leaves the form as it was.
    case 0:
    case 1:
    case 2:
      return bytes.with(place, byte ^ (1 << below(8)))
    case 3:
      return bytes.with(place, below(256))
    // Two places at once, as a digest and what it covers.
    case 4:
      return bytes.with(place, below(256)).with(below(bytes.length), below(256))
    case 5:
      return bytes.slice(0, place)
    case 6:
      return Uint8Array.of(...bytes.subarray(0, place), below(256), ...bytes.subarray(place))
    // The tail of another genuine object, at the same place: its signature under this body.
    default:
      return Uint8Array.of(...bytes.subarray(0, place), ...other.subarray(place))
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}
