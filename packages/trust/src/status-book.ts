import { isBelow, type Name } from '@ixj/names'
import { equalBytes } from './bytes.ts'
import { SKEW_MS, STATUSES_MAX } from './limits.ts'
import type { SignedStatement } from './statement.ts'
import type { Status } from './status.ts'
import { formatTime } from './time-text.ts'
import { TrustError } from './trust-error.ts'

/** The newest status of a name that is known. */
export interface HeldStatus {
  readonly signed: SignedStatement<Status>
  /** The anchor under which it was found. */
  readonly root: Name
  /** Another one with the same number says something else: neither makes anything fresh. */
  readonly rival: SignedStatement<Status> | null
}

/** What chains ask about statuses; {@link StatusBook} is one. */
export interface StatusView {
  /** The newest of this name. */
  held(of: Name): HeldStatus | undefined
}

/** No status is known. */
export const NO_STATUSES: StatusView = { held: () => undefined }

/**
 * The newest status of each name. "Lower numbers are refused, equal numbers that differ are
 * evidence." What is offered was checked to be by right, and its set to be here. A name that was
 * once heard is not forgotten, so that nobody can take its status away by keeping it back.
 */
export class StatusBook implements StatusView {
  readonly #held = new Map<Name, HeldStatus>()

  held(of: Name): HeldStatus | undefined {
    return this.#held.get(of)
  }

  /** All that are known. */
  list(): readonly HeldStatus[] {
    return [...this.#held.values()]
  }

  /**
   * Takes in a status. `newer`: its number is above the one before. `fresher`: it says the same
   * later. `known`: nothing is new. `differs`: it contradicts the one that is here, and is kept.
   * @throws TrustError `not-yet-valid` (issued more than the skew ahead, or numbered more than twice
   * that), `superseded` (a lower number), `store-full`
   */
  offer(
    signed: SignedStatement<Status>,
    root: Name,
    now: number,
  ): 'newer' | 'fresher' | 'known' | 'differs' {
    const { of, number, digest, issuedAt, freshUntil } = signed.statement
    const tried = `Cannot take status ${number} of "${of}"`
    // Of a clock that is far ahead; it would make whoever holds it fresh for as long.
    if (issuedAt > now + SKEW_MS) {
      const times = `issued at ${formatTime(issuedAt)}, now is ${formatTime(now)}`
      throw new TrustError('not-yet-valid', `${tried}: ${times}, skew ${SKEW_MS} ms`)
    }
    // A number is a time or a little more. One without bound, by a key that was stolen for a moment,
    // could never be passed again, and the name stay stale for ever.
    if (number > now + 2 * SKEW_MS) {
      const reason = `its number is a time ${number - now} ms ahead, limit ${2 * SKEW_MS}`
      throw new TrustError('not-yet-valid', `${tried}: ${reason}`)
    }
    const before = this.#held.get(of)
    if (before === undefined) {
      this.#checkRoom(of, root, tried)
      this.#held.set(of, { signed, root, rival: null })
      return 'newer'
    }
    const known = before.signed.statement
    if (number < known.number) {
      throw new TrustError('superseded', `${tried}: ${known.number} is known`)
    }
    if (number > known.number) {
      this.#held.set(of, { signed, root, rival: null })
      return 'newer'
    }
    if (!equalBytes(digest, known.digest)) {
      if (before.rival === null) this.#held.set(of, { ...before, rival: signed })
      return before.rival === null ? 'differs' : 'known'
    }
    if (before.rival !== null || freshUntil <= known.freshUntil) return 'known'
    this.#held.set(of, { signed, root, rival: null })
    return 'fresher'
  }

  /** An anchor's own name has room always; of the others, no newcomer pushes one out. */
  #checkRoom(of: Name, root: Name, tried: string): void {
    if (!isBelow(of, root) || this.#held.size < STATUSES_MAX) return
    throw new TrustError('store-full', `${tried}: ${STATUSES_MAX} names have one, the limit`)
  }
}
