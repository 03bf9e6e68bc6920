import type { AskedApproval } from '@ixj/agent'
import { ancestors, isAtOrBelow, type Name } from '@ixj/names'
import {
  APPROVAL_SETTLE_MS,
  APPROVALS_BRANCH_MAX,
  APPROVALS_MAX,
  APPROVALS_NAME_MAX,
} from './limits.ts'

/** A question that waits for a person. */
export interface WaitingApproval {
  /** Rises by one with each. */
  readonly number: number
  readonly asked: AskedApproval
  /** Since when it stands at its place, in ms. */
  readonly since: number
}

/** Approvals that wait for the person in a page, the first to ask first; each asker has a share. */
export class WaitingApprovals {
  /** Questions that were refused for want of room. */
  turnedAway = 0
  /** Questions whose time was over before somebody decided. */
  lapsed = 0
  readonly #self: Name
  #waiting: readonly WaitingApproval[] = []
  #number = 0

  /** @param self the name whose approval is asked: what stands above it is no branch of somebody else */
  constructor(self: Name) {
    this.#self = self
  }

  /** What waits, without what is over. */
  at(now: number): readonly WaitingApproval[] {
    const over = this.#waiting.filter(({ asked }) => asked.expiresAt <= now)
    for (const { number } of over) this.#remove(number, now)
    this.lapsed += over.length
    return this.#waiting
  }

  /** Keeps a question; gives why not, where there is no room for it. */
  add(asked: AskedApproval, now: number): string | undefined {
    const reason = this.#reasonAgainst(asked.sender, this.at(now))
    if (reason !== undefined) {
      this.turnedAway += 1
      return reason
    }
    this.#number += 1
    this.#waiting = [...this.#waiting, { number: this.#number, asked, since: now }]
    return undefined
  }

  /**
   * Takes a question out to be answered; undefined where it was answered already, is over, or stands
   * at its place for less than {@link APPROVAL_SETTLE_MS}.
   */
  take(number: number, now: number): AskedApproval | undefined {
    const found = this.at(now).find((each) => each.number === number)
    if (found === undefined || !isSettled(found, now)) return undefined
    this.#remove(number, now)
    return found.asked
  }

  /** Those below have moved up, under a pointer that may be about to press. */
  #remove(number: number, now: number): void {
    const place = this.#waiting.findIndex((each) => each.number === number)
    this.#waiting = this.#waiting.flatMap((each, index) => {
      if (index === place) return []
      return [index > place ? { ...each, since: now } : each]
    })
  }

  #reasonAgainst(sender: Name, waiting: readonly WaitingApproval[]): string | undefined {
    const refuse = (count: number, whose: string, most: number) =>
      `${count} questions ${whose} wait for this person, limit ${most}`
    if (waiting.length >= APPROVALS_MAX) return refuse(waiting.length, 'of all', APPROVALS_MAX)
    const own = waiting.filter(({ asked }) => asked.sender === sender).length
    if (own >= APPROVALS_NAME_MAX) return refuse(own, `of ${sender}`, APPROVALS_NAME_MAX)
    const branches = [sender, ...ancestors(sender)].filter((name) => !isAtOrBelow(this.#self, name))
    for (const branch of branches) {
      const count = waiting.filter(({ asked }) => isAtOrBelow(asked.sender, branch)).length
      if (count >= APPROVALS_BRANCH_MAX) {
        return refuse(count, `of ${branch} and below`, APPROVALS_BRANCH_MAX)
      }
    }
    return undefined
  }
}

/** Whether a question has stood at its place for long enough to be answered. */
export function isSettled({ since }: WaitingApproval, now: number): boolean {
  return now - since >= APPROVAL_SETTLE_MS
}
