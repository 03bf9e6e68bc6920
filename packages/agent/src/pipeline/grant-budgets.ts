import { CHAIN_CACHE_MAX } from '../limits.ts'
import { Budget } from './rate.ts'

/** The budgets of grants' `messagesPerSecond`, at most {@link CHAIN_CACHE_MAX} of them. */
export class GrantBudgets {
  readonly #budgets = new Map<string, Budget>()

  /** The budget of a grant. The longest unused goes for one too many: it has refilled since. */
  of(grantId: string, perSecond: number): Budget {
    const budget = this.#budgets.get(grantId) ?? new Budget(perSecond, 0)
    this.#budgets.delete(grantId)
    this.#budgets.set(grantId, budget)
    const oldest = this.#budgets.keys().next()
    if (this.#budgets.size > CHAIN_CACHE_MAX && oldest.done !== true) {
      this.#budgets.delete(oldest.value)
    }
    return budget
  }
}
