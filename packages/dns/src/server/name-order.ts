import { concatBytes } from '@ixj/trust'
import { type DnsName, LABEL_BYTES_MAX, NAME_BYTES_MAX, parentOf, wireOfName } from '../proof.ts'
import { nameOfWire } from '../proof/wire/dns-name.ts'

const FIRST_UPPER = 0x41
const LAST_UPPER = 0x5a

/**
 * The next name of a zone's order that could exist, for a denial that covers nothing else:
 * `\000.name`, or where that is over 255 bytes, the name behind it, which then can have nothing
 * below it (RFC 4471 section 3.1, RFC 9824 section 3.1).
 */
export function nextName(name: DnsName, zone: DnsName): DnsName {
  const wire = wireOfName(name)
  if (wire.length + 2 > NAME_BYTES_MAX) return nameAfterAllBelow(name, zone)
  return nameOfWire(concatBytes(Uint8Array.of(1, 0), wire))
}

/** The first name that is neither `name` nor below it; after the last name comes the zone's own. */
export function nameAfterAllBelow(name: DnsName, zone: DnsName): DnsName {
  for (let at = name; at !== zone; at = parentOf(at)) {
    const { label, rest } = split(at)
    if (label.length < LABEL_BYTES_MAX && label.length + rest.length + 2 <= NAME_BYTES_MAX) {
      return join(concatBytes(label, Uint8Array.of(0)), rest)
    }
    const end = label.findLastIndex((byte) => byte !== 0xff)
    if (end < 0) continue
    const next = label.slice(0, end + 1)
    // Upper case sorts as lower case (RFC 4034 section 6.1), so those values never stand here.
    const byte = next[end]! + 1
    next[end] = byte >= FIRST_UPPER && byte <= LAST_UPPER ? LAST_UPPER + 1 : byte
    return join(next, rest)
  }
  return zone
}

/**
 * A name before `name` so near that no name stands between them, but for such as are below what is
 * returned and as long as names can be (RFC 4471 section 3.1.2). The name must not be the zone's.
 */
export function nameBefore(name: DnsName): DnsName {
  const { label, rest } = split(name)
  const end = label.length - 1
  if (label[end] === 0) {
    if (end === 0) return parentOf(name)
    const shorter = join(label.slice(0, end), rest)
    const wire = wireOfName(shorter)
    const room = Math.min(LABEL_BYTES_MAX, NAME_BYTES_MAX - wire.length - 1)
    return room < 1 ? shorter : join(new Uint8Array(room).fill(0xff), wire)
  }
  const room = Math.min(LABEL_BYTES_MAX, NAME_BYTES_MAX - rest.length - 1)
  const before = new Uint8Array(Math.max(room, label.length)).fill(0xff)
  before.set(label)
  const byte = label[end]! - 1
  before[end] = byte >= FIRST_UPPER && byte <= LAST_UPPER ? FIRST_UPPER - 1 : byte
  return join(before, rest)
}

function split(name: DnsName): { label: Uint8Array; rest: Uint8Array } {
  const wire = wireOfName(name)
  const end = 1 + wire[0]!
  return { label: wire.slice(1, end), rest: wire.slice(end) }
}

function join(label: Uint8Array, rest: Uint8Array): DnsName {
  return nameOfWire(concatBytes(Uint8Array.of(label.length), label, rest))
}
