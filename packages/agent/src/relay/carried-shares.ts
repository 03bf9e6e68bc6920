import type { Name } from '@ixj/names'
import { Refusal } from '../pipeline/verdicts.ts'

/**
 * Who pays for each group that a relay carries: all pages of one address together. Where there is no
 * room, whoever pays for most gives one up for somebody who pays for fewer.
 */
export class CarriedShares {
  readonly #max: number
  readonly #payers = new Map<Name, string>()
  /** The groups of each payer, in the order in which they came. */
  readonly #groups = new Map<string, Set<Name>>()

  constructor(max: number) {
    this.#max = max
  }

  /** Groups that somebody pays for. */
  get size(): number {
    return this.#payers.size
  }

  /** Has this payer pay for a group, in place of whoever did before. */
  charge(group: Name, payer: string): void {
    if (this.#payers.get(group) === payer) return
    this.release(group)
    this.#payers.set(group, payer)
    const groups = this.#groups.get(payer)
    if (groups === undefined) this.#groups.set(payer, new Set([group]))
    else groups.add(group)
  }

  /** Nobody pays for it any more. */
  release(group: Name): void {
    const payer = this.#payers.get(group)
    if (payer === undefined) return
    this.#payers.delete(group)
    const groups = this.#groups.get(payer)
    groups?.delete(group)
    if (groups?.size === 0) this.#groups.delete(payer)
  }

  /**
   * Has this payer pay for a group for which nobody does so far. Gives the group that goes for it, the
   * newest of whoever pays for most; undefined where there was room.
   * @throws Refusal `table-full` where this payer would then pay for as many as anybody
   */
  take(group: Name, payer: string): Name | undefined {
    if (this.#payers.has(group)) return undefined
    const given = this.#payers.size < this.#max ? undefined : this.#giveUp(group, payer)
    if (given !== undefined) this.release(given)
    this.charge(group, payer)
    return given
  }

  #giveUp(group: Name, payer: string): Name | undefined {
    const most = [...this.#groups.values()].reduce((one, other) =>
      other.size > one.size ? other : one,
    )
    const own = this.#groups.get(payer)?.size ?? 0
    if (most.size <= own + 1) {
      const limit = `limit ${this.#max} groups, ${own} of them for this address`
      throw new Refusal('table-full', `Cannot carry ${group}: ${limit}`)
    }
    return [...most].at(-1)
  }
}
