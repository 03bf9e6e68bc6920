import { isIPv6 } from 'node:net'

/**
 * How much of something each address has at the same time, so that none of them fills it alone. Who
 * has an IPv6 address mostly has a whole network of 64 bits, which counts as one.
 */
export class AddressShares {
  readonly #shareMax: number
  readonly #taken = new Map<string, number>()
  /** How often an address wanted more than its share. */
  refused = 0

  constructor(shareMax: number) {
    this.#shareMax = shareMax
  }

  /** Takes one for an address; gives what gives it back, or undefined where its share is taken. */
  take(address: string): Disposable | undefined {
    const owner = ownerOf(address)
    const taken = this.#taken.get(owner) ?? 0
    if (taken >= this.#shareMax) {
      this.refused++
      return undefined
    }
    this.#taken.set(owner, taken + 1)
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return
        isHeld = false
        const left = (this.#taken.get(owner) ?? 1) - 1
        if (left === 0) this.#taken.delete(owner)
        else this.#taken.set(owner, left)
      },
    }
  }
}

/** The network of an IPv6 address; an IPv4 address itself. */
export function ownerOf(address: string): string {
  if (!isIPv6(address)) return address
  const [front = '', back] = address.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const before = groups(front)
  const zeros = back === undefined ? 0 : 8 - before.length - groups(back).length
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...groups(back ?? '')]
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
