import type { Name } from '@ixj/names'
import { compareBytes, equalBytes, revocationDigest, toHex, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import {
  FRAME_NOTICES_MAX,
  NOTICES_PER_SECOND,
  REVOKED_IDS_MAX,
  REVOKED_SYNC_MS,
} from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import { parcelsOf } from '../neighbours/parcels.ts'
import type { HaveFrame } from '../neighbours/frames.ts'
import { Budget } from '../pipeline/rate.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { NoticeBook } from './notice-book.ts'
import type { TrustState } from './trust-state.ts'

/** What neighbours compare revocations with. */
export interface SyncContext {
  readonly clock: Clock
  readonly hash: Sha256
  readonly trust: TrustState
  readonly notices: NoticeBook
}

/** The ids under one root, rising. */
interface KnownIds {
  readonly at: string
  readonly ids: readonly Uint8Array[]
  readonly digest: Uint8Array
}

const LOWEST = new Uint8Array(32)
const HIGHEST = new Uint8Array(32).fill(0xff)

/**
 * Brings two neighbours to the same revocations: each tells the digest of those under an anchor;
 * where they differ each lists its ids, and is sent what it lacks.
 */
export class RevokedSync {
  readonly #context: SyncContext
  /** When this neighbour was last told our ids under this root. */
  readonly #told = new WeakMap<Exchange, Map<Name, number>>()
  /** What a neighbour may still be sent because it asked. */
  readonly #budgets = new WeakMap<Exchange, Budget>()
  /** Comparisons that are put off, by neighbour and root: what ends them. */
  readonly #later = new Map<string, () => void>()
  /** Ids under a root and their digest, as long as nothing changes. */
  readonly #known = new Map<Name, KnownIds>()

  constructor(context: SyncContext) {
    this.#context = context
  }

  /** A neighbour was admitted: it is told statuses, and what to compare. */
  greet(neighbour: Exchange, roots: Iterable<Name>): void {
    for (const root of roots) {
      this.#send(
        neighbour,
        this.#context.notices.news(root).map(({ bytes }) => bytes),
      )
      neighbour.tell({ kind: 'revoked', root, digest: this.#digest(root) })
    }
  }

  /** The neighbour's revocations under this root are others than ours. */
  compare(neighbour: Exchange, root: Name, digest: Uint8Array): void {
    if (!equalBytes(digest, this.#digest(root))) this.list(neighbour, root)
  }

  /** Lists our ids, so that the neighbour sends what is missing; not again within 2 s. */
  list(neighbour: Exchange, root: Name): void {
    const now = this.#context.clock.now()
    const told = this.#told.get(neighbour) ?? new Map<Name, number>()
    this.#told.set(neighbour, told)
    if (now < (told.get(root) ?? -Infinity) + REVOKED_SYNC_MS) return
    told.set(root, now)
    const ids = this.#ids(root)
    for (let start = 0; start === 0 || start < ids.length; start += REVOKED_IDS_MAX) {
      const page = ids.slice(start, start + REVOKED_IDS_MAX)
      const isLast = start + REVOKED_IDS_MAX >= ids.length
      neighbour.tell({
        kind: 'have',
        root,
        from: start === 0 ? LOWEST : ids[start - 1]!,
        to: isLast ? HIGHEST : page.at(-1)!,
        ids: page,
      })
    }
  }

  /**
   * Sends what a neighbour's list of ids leaves out between its ends, as much of it as a node checks
   * in a second: short questions must not fetch long answers without end.
   * @throws Refusal `rate`
   */
  complete(neighbour: Exchange, frame: HaveFrame): void {
    const budget = this.#budgetOf(neighbour)
    const now = this.#context.clock.now()
    if (!budget.take(1, now)) {
      const { name } = neighbour.greeted
      throw new Refusal('rate', `Cannot tell ${name} of more revocations in this second`)
    }
    const has = new Set(frame.ids.map((id) => toHex(id)))
    const missing = this.#ids(frame.root).filter(
      (id) =>
        compareBytes(id, frame.from) >= 0 && compareBytes(id, frame.to) <= 0 && !has.has(toHex(id)),
    )
    const { notices } = this.#context
    const told = missing.filter(() => budget.take(1, now))
    this.#send(
      neighbour,
      told.flatMap((id) => notices.revocation(toHex(id))?.notice.bytes ?? []),
    )
    if (told.length < missing.length) this.#compareLater(neighbour, frame.root)
  }

  /** Ends what is put off. */
  close(): void {
    for (const cancel of this.#later.values()) cancel()
    this.#later.clear()
  }

  /** The rest is sent when the neighbour has listed again what it has. */
  #compareLater(neighbour: Exchange, root: Name): void {
    const { clock } = this.#context
    const key = `${neighbour.peer} ${root}`
    if (this.#later.has(key)) return
    const cancel = clock.at(clock.now() + REVOKED_SYNC_MS, () => {
      this.#later.delete(key)
      neighbour.tell({ kind: 'revoked', root, digest: this.#digest(root) })
    })
    this.#later.set(key, cancel)
  }

  #budgetOf(neighbour: Exchange): Budget {
    const known = this.#budgets.get(neighbour)
    if (known !== undefined) return known
    const budget = new Budget(NOTICES_PER_SECOND, this.#context.clock.now())
    this.#budgets.set(neighbour, budget)
    return budget
  }

  #ids(root: Name): readonly Uint8Array[] {
    return this.#idsAndDigest(root).ids
  }

  #digest(root: Name): Uint8Array {
    return this.#idsAndDigest(root).digest
  }

  #idsAndDigest(root: Name): KnownIds {
    const { trust, hash } = this.#context
    const at = `${trust.generation} ${trust.revocations.size}`
    const known = this.#known.get(root)
    if (known?.at === at) return known
    const ids = trust.revocations
      .under(root)
      .map(({ signed }) => signed.id)
      .toSorted(compareBytes)
    const found = { at, ids, digest: revocationDigest(ids, hash) }
    // A root without any costs nothing, and there may be many of those.
    if (ids.length > 0) this.#known.set(root, found)
    else this.#known.delete(root)
    return found
  }

  #send(neighbour: Exchange, notices: readonly Uint8Array[]): void {
    for (const some of parcelsOf(notices, FRAME_NOTICES_MAX)) {
      neighbour.tell({ kind: 'notices', notices: some })
    }
  }
}
