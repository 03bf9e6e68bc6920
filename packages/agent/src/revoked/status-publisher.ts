import type { Name } from '@ixj/names'
import {
  equalBytes,
  issueStatement,
  STATUS_FRESH_MS_MAX,
  type Random,
  type Sha256,
  type SignedStatement,
  type Signer,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { STATUS_HEARD_MS, STATUS_MS } from '../limits.ts'
import { makeNotice, type Notice } from './notice.ts'
import type { TrustState } from './trust-state.ts'

/** Who signs statuses here, and for which name. */
export interface StatusIssuer {
  readonly name: Name
  readonly signer: Signer
  /** Its own name, or one that gave it a `revoke` grant. */
  readonly of: Name
  /** What proves the issuer. */
  readonly proving: readonly SignedStatement[]
}

/** What a publisher works with. */
export interface PublisherContext {
  readonly clock: Clock
  readonly random: Random
  readonly hash: Sha256
  readonly trust: TrustState
  /** Whether a status of this name speaks of revocations that are not here. */
  isBehind(of: Name): boolean
  /** Takes a status of our own in, and tells it to others. */
  tell(notice: Notice): Promise<void>
  /** A status could not be made or told; the next one comes all the same. */
  failed(of: Name, cause: unknown): void
}

interface Published {
  readonly issuer: StatusIssuer
  /** How many hold it open. */
  uses: number
  cancel: () => void
  running: boolean
  again: boolean
}

/**
 * Signs statuses, every 20 s at most, for the names whose keys are at hand. Several nodes may do so
 * for one name: who has just heard another's says nothing, and each goes on from the number that it
 * heard.
 */
export class StatusPublisher {
  readonly #context: PublisherContext
  readonly #published = new Map<Name, Published>()

  constructor(context: PublisherContext) {
    this.#context = context
  }

  /** Begins to publish, and resolves when the first is told; the returned function ends that. */
  async add(issuer: StatusIssuer): Promise<() => void> {
    const known = this.#published.get(issuer.of)
    if (known !== undefined) {
      known.uses += 1
      return () => this.#release(issuer.of, known)
    }
    const published: Published = {
      issuer,
      uses: 1,
      cancel: () => {},
      running: false,
      again: false,
    }
    this.#published.set(issuer.of, published)
    await this.#run(published, { isDue: true })
    return () => this.#release(issuer.of, published)
  }

  /** Whether statuses of this name are signed here. */
  publishes(of: Name): boolean {
    return this.#published.has(of)
  }

  /** The revocations of this name have changed: a status says so at once. */
  async changed(of: Name): Promise<void> {
    const published = this.#published.get(of)
    if (published !== undefined) await this.#run(published, { isDue: true })
  }

  /** Ends all. */
  close(): void {
    for (const published of this.#published.values()) published.cancel()
    this.#published.clear()
  }

  #release(of: Name, published: Published): void {
    published.uses -= 1
    if (published.uses > 0 || this.#published.get(of) !== published) return
    published.cancel()
    this.#published.delete(of)
  }

  async #run(published: Published, { isDue }: { readonly isDue: boolean }): Promise<void> {
    if (published.running) {
      published.again ||= isDue
      return
    }
    const { of } = published.issuer
    published.running = true
    let due = isDue
    try {
      do {
        published.again = false
        if (due || !this.#wasHeard(of)) await this.#issue(published.issuer)
        due = published.again
      } while (due)
    } catch (cause) {
      this.#context.failed(of, cause)
    } finally {
      published.running = false
      if (this.#published.get(of) === published) this.#schedule(published)
    }
  }

  #schedule(published: Published): void {
    published.cancel()
    const { clock, random } = this.#context
    // A fifth earlier at most, so that several who publish do not speak at once.
    const inMs = Math.round(STATUS_MS * (1 - ((random(1)[0] ?? 0) / 255) * 0.2))
    published.cancel = clock.at(
      clock.now() + inMs,
      () => void this.#run(published, { isDue: false }),
    )
  }

  /** Whether somebody has published lately what would be said here. */
  #wasHeard(of: Name): boolean {
    const { trust, clock } = this.#context
    const held = trust.statuses.held(of)
    if (held === undefined || held.rival !== null) return false
    const { issuedAt, digest } = held.signed.statement
    const age = clock.now() - issuedAt
    if (age < 0 || age >= STATUS_HEARD_MS) return false
    return equalBytes(digest, trust.revocations.digest(of, clock.now()))
  }

  async #issue({ name, signer, of, proving }: StatusIssuer): Promise<void> {
    const { trust, clock, random, hash } = this.#context
    // Revocations are on their way that this status would leave out.
    if (this.#context.isBehind(of)) return
    const now = clock.now()
    const digest = trust.revocations.digest(of, now)
    const held = trust.statuses.held(of)
    const known = held?.signed.statement
    const isSame = known !== undefined && held?.rival === null && equalBytes(known.digest, digest)
    const number =
      known === undefined ? now : isSame ? known.number : Math.max(now, known.number + 1)
    const status = await issueStatement(
      {
        kind: 'status',
        issuer: name,
        notBefore: now,
        notAfter: now + STATUS_FRESH_MS_MAX,
        nonce: random(16),
        of,
        number,
        digest,
        issuedAt: now,
        freshUntil: now + STATUS_FRESH_MS_MAX,
      },
      signer,
      hash,
    )
    await this.#context.tell(makeNotice(status, proving))
  }
}
