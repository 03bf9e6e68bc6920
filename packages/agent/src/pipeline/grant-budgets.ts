import { forgetOldest } from '@ixj/trust'
import { CHAIN_CACHE_MAX } from '../limits.ts'
import { Budget } from './rate.ts'

/** The budgets of grants' `messagesPerSecond`, at most {@link CHAIN_CACHE_MAX} of them. */
export class GrantBudgets {
  readonly #budgets = new Map<string, Budget>()

  /** The budget of a grant. The longest unused go where there are too many: they have refilled since. */
  of(grantId: string, perSecond: number): Budget {
    const budget = this.#budgets.get(grantId) ?? new Budget(perSecond, 0)
    this.#budgets.delete(grantId)
    this.#budgets.set(grantId, budget)
    forgetOldest(this.#budgets, CHAIN_CACHE_MAX)
    return budget
  }
}
