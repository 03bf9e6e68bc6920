import { isIPv6 } from 'node:net'
import type { DoorLimits } from './limits.ts'

interface Entry {
  sockets: number
  /** Upgrades in the second that began then. */
  upgrades: number
  since: number
}

/**
 * Who has how many sockets. An address has an entry only while it has sockets, or has had one within
 * the last second, so the table is bounded by the sockets of a door.
 */
export class Addresses {
  readonly #entries = new Map<string, Entry>()

  /** Addresses with an entry. */
  get size(): number {
    return this.#entries.size
  }

  /** Counts a socket of this group; the reason if it may have no more. */
  take(group: string, limits: DoorLimits, now: number): 'address-full' | 'hurried' | undefined {
    const entry = this.#entries.get(group) ?? { sockets: 0, upgrades: 0, since: now }
    if (entry.sockets >= limits.socketsPerAddressMax) return 'address-full'
    if (now - entry.since >= 1_000 || now < entry.since) {
      entry.since = now
      entry.upgrades = 0
    }
    if (entry.upgrades >= limits.upgradesPerSecond) return 'hurried'
    entry.upgrades += 1
    entry.sockets += 1
    this.#entries.set(group, entry)
    return undefined
  }

  /** A socket of this group has ended. */
  leave(group: string): void {
    const entry = this.#entries.get(group)
    if (entry !== undefined) entry.sockets -= 1
  }

  /** Forgets who has none any more. */
  sweep(now: number): void {
    for (const [group, { sockets, since }] of this.#entries) {
      if (sockets === 0 && now - since >= 1_000) this.#entries.delete(group)
    }
  }
}

/**
 * What of an address is charged: an IPv4 address, also as IPv6 writes it, or the /64 network that one
 * line of a provider has.
 */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/iu.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const plain = address.split('%')[0] ?? address
  if (!isIPv6(plain)) return address
  const [head = '', tail] = plain.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  // An address that ends in an IPv4 one has one part fewer.
  const zeroes = 8 - first.length - last.length - (plain.includes('.') ? 1 : 0)
  const parts = tail === undefined ? first : [...first, ...Array(zeroes).fill('0'), ...last]
  return `${parts
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')}::/64`
}
