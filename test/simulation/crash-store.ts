import type { Clock, Store } from '@ixj/agent'

/** A write takes some ms to be safe. */
const WRITE_MS_MAX = 5

/**
 * What a machine has on its disk. A value is safe when `set` resolves; of those that were still on
 * their way in a crash, chance decides.
 */
export class CrashStore {
  readonly #values = new Map<string, Uint8Array>()
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  /** The store of one life of the machine. */
  open(clock: Clock): Store & { crash(): void } {
    const underWay = new Map<string, Uint8Array>()
    let crashed = false
    return {
      get: async (key) => underWay.get(key) ?? this.#values.get(key),
      set: (key, value) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const kept = value.slice()
        underWay.set(key, kept)
        clock.at(clock.now() + Math.ceil(this.#random() * WRITE_MS_MAX), () => {
          if (crashed) return
          this.#values.set(key, kept)
          if (underWay.get(key) === kept) underWay.delete(key)
          resolve()
        })
        return promise
      },
      crash: () => {
        crashed = true
        for (const [key, value] of underWay) {
          if (this.#random() < 0.5) this.#values.set(key, value)
        }
      },
    }
  }
}
