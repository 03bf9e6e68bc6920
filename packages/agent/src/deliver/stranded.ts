import { DELIVER_STRANDED_BYTES_MAX } from '../limits.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { DirectBundle } from './direct-bundle.ts'

/** What bundles without a way ask of their owner. */
export interface StrandedHooks {
  now(): number
  /** Hands it to hosts of its inbox; false: none takes it now. */
  again(bundle: DirectBundle): boolean
  lost(bundle: DirectBundle, cause: unknown): void
}

/**
 * Bundles whose direct streams ended before a host had decided, and those that a host had no room
 * for: they wait for the next way, or for their time.
 */
export class Stranded {
  readonly #hooks: StrandedHooks
  #waiting = new Set<DirectBundle>()
  #bytes = 0

  constructor(hooks: StrandedHooks) {
    this.#hooks = hooks
  }

  /** Keeps a bundle; the oldest goes, and is told, when too much waits. */
  add(bundle: DirectBundle): void {
    if (bundle.isLanded || this.#waiting.has(bundle)) return
    this.#keep(bundle)
    for (const oldest of this.#waiting) {
      if (this.#bytes <= DELIVER_STRANDED_BYTES_MAX) return
      this.#waiting.delete(oldest)
      this.#bytes -= oldest.bytes.length
      const limit = `${DELIVER_STRANDED_BYTES_MAX} bytes wait for hosts`
      this.#lose(
        oldest,
        new Refusal('table-full', `Cannot keep bundle for ${oldest.topic}: ${limit}`),
      )
    }
  }

  /** Looks for a way for each. Their order stays. */
  look(): void {
    if (this.#waiting.size === 0) return
    const now = this.#hooks.now()
    const waiting = this.#waiting
    this.#waiting = new Set()
    this.#bytes = 0
    for (const bundle of waiting) {
      if (bundle.isLanded) continue
      if (bundle.until <= now) {
        const reason = 'no host has acknowledged it within its lifespan'
        this.#lose(bundle, new Refusal('lifespan', `Cannot deliver to ${bundle.topic}: ${reason}`))
      } else if (bundle.notBefore > now || !this.#hooks.again(bundle)) {
        this.#keep(bundle)
      }
    }
  }

  /** Gives up what waits. */
  close(): void {
    for (const bundle of this.#waiting) {
      if (bundle.isLanded) continue
      const reason = 'the node closes before a host has acknowledged it'
      this.#lose(bundle, new Refusal('transport', `Cannot deliver to ${bundle.topic}: ${reason}`))
    }
  }

  #keep(bundle: DirectBundle): void {
    this.#waiting.add(bundle)
    this.#bytes += bundle.bytes.length
  }

  #lose(bundle: DirectBundle, cause: Refusal): void {
    bundle.land()
    this.#hooks.lost(bundle, cause)
  }
}
