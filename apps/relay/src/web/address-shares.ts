import { addressGroup } from '@ixj/node/door'

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
    const owner = addressGroup(address)
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
