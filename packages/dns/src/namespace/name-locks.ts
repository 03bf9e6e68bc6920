import type { Name } from '@ixj/names'
import { DnsError } from '../proof.ts'
import { NAMESPACE_VERBS_MAX } from './limits.ts'

/** Runs what concerns one name one after the other, and different names side by side. */
export class NameLocks {
  readonly #tails = new Map<Name, Promise<unknown>>()
  #running = 0

  /** Names for which something runs or waits. */
  get size(): number {
    return this.#tails.size
  }

  /** Whether something runs or waits for this name. */
  isHeld(name: Name): boolean {
    return this.#tails.has(name)
  }

  /** @throws DnsError `limit` if {@link NAMESPACE_VERBS_MAX} run or wait; what `run` throws */
  async run<Result>(name: Name, run: () => Promise<Result>): Promise<Result> {
    if (this.#running >= NAMESPACE_VERBS_MAX) {
      const reason = `${NAMESPACE_VERBS_MAX} changes run or wait, the limit`
      throw new DnsError('limit', `Cannot change ${name}: ${reason}`)
    }
    this.#running += 1
    const before = this.#tails.get(name) ?? Promise.resolve()
    const done = before.then(run)
    // Whoever waits for a name is not told what the one before it failed of.
    const tail = done.then(
      () => undefined,
      () => undefined,
    )
    this.#tails.set(name, tail)
    try {
      return await done
    } finally {
      this.#running -= 1
      if (this.#tails.get(name) === tail) this.#tails.delete(name)
    }
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values())
  }
}
