import type { Name } from '@ixj/names'
import { TrustError, type SignedStatement, UNCHECKED_LINK_MS_MAX } from '@ixj/trust'
import { BRIEF_REVOCATIONS_PER_SECOND, REVOKE_AFTER_CLOSE_MS } from '../limits.ts'
import { Budget } from '../pipeline/rate.ts'
import { issueRevocation } from '../revoked/issue-revocation.ts'
import { publishOwnStatus } from '../revoked/published-statuses.ts'
import type { Revoked } from '../revoked/revoked.ts'
import type { IssueContext } from '../patterns/grant-issue.ts'
import type { Identity } from './identity.ts'

/** A spawned name that has closed. */
interface ClosedName {
  readonly name: Name
  readonly key: Uint8Array
  /** When its bindings end, ms since the Unix epoch. */
  readonly until: number
}

/** The same, and whose key says so. */
interface Closed {
  readonly named: ClosedName
  /** Who revokes it: its parent, where that is at hand, or itself. */
  readonly by: () => Identity
  readonly cancel: () => void
}

/**
 * Names that agents of this node bound. Of who binds a name for longer than a minute, a status is
 * published from then on. "Disposing a short-lived name publishes its revocation": soon after, since
 * what it sent last is still on its way. Names that end within a minute by themselves are revoked as
 * far as there is room.
 */
export class IssuedNames {
  readonly #context: IssueContext
  readonly #revoked: Revoked
  readonly #failed: (name: Name, cause: unknown) => void
  readonly #waiting = new Set<Closed>()
  readonly #brief: Budget
  /** What ends the statuses of names that have bound others. */
  readonly #issuers = new Map<Name, Promise<() => void>>()

  constructor(
    revoked: Revoked,
    context: IssueContext & { readonly failed: (name: Name, cause: unknown) => void },
  ) {
    this.#revoked = revoked
    this.#context = context
    this.#failed = context.failed
    this.#brief = new Budget(BRIEF_REVOCATIONS_PER_SECOND, context.clock.now())
  }

  /** A name was bound: of its issuer a status is asked from now on, where it lives for long. */
  issued(issuer: Identity, statements: readonly SignedStatement[]): void {
    const lasting = statements.some(
      ({ statement: { kind, notBefore, notAfter } }) =>
        kind === 'binding' && notAfter - notBefore > UNCHECKED_LINK_MS_MAX,
    )
    if (!lasting || this.#issuers.has(issuer.name)) return
    this.#issuers.set(issuer.name, publishOwnStatus(issuer, this.#revoked))
  }

  /** An agent has closed: nothing is published in its name any more. */
  async ceased(name: Name): Promise<void> {
    const end = await this.#issuers.get(name)
    this.#issuers.delete(name)
    end?.()
  }

  /** A spawned name has closed. */
  closed(named: ClosedName, by: () => Identity): void {
    const { clock } = this.#context
    const now = clock.now()
    const left = named.until - now
    if (left <= 0 || left === Infinity) return
    if (left <= UNCHECKED_LINK_MS_MAX && !this.#brief.take(1, now)) return
    const closed: Closed = {
      named,
      by,
      cancel: clock.at(now + REVOKE_AFTER_CLOSE_MS, () => void this.#revoke(closed)),
    }
    this.#waiting.add(closed)
  }

  /** Revokes what still waits. */
  async close(): Promise<void> {
    for (const closed of this.#waiting) {
      closed.cancel()
      await this.#revoke(closed)
    }
  }

  async #revoke(closed: Closed): Promise<void> {
    const { named, by } = closed
    const { name, key, until } = named
    this.#waiting.delete(closed)
    const target = { kind: 'key', name, key } as const
    try {
      const options = { ...this.#context, notAfter: until }
      await this.#revoked.tell(await issueRevocation(by(), target, options))
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      this.#failed(name, cause)
    }
  }
}
