import type { Name } from '@ixj/names'
import { compareBytes, equalBytes, revocationDigest, toHex, type Sha256 } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import {
  FRAME_NOTICES_BYTES,
  FRAME_NOTICES_MAX,
  REVOKED_IDS_MAX,
  REVOKED_SYNC_MS,
} from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { HaveFrame } from '../neighbours/frames.ts'
import type { NoticeBook } from './notice-book.ts'
import type { TrustState } from './trust-state.ts'

/** What neighbours compare revocations with. */
export interface SyncContext {
  readonly clock: Clock
  readonly hash: Sha256
  readonly trust: TrustState
  readonly notices: NoticeBook
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

  /** Sends what a neighbour's list of ids leaves out between its ends. */
  complete(neighbour: Exchange, frame: HaveFrame): void {
    const has = new Set(frame.ids.map((id) => toHex(id)))
    const missing = this.#ids(frame.root).filter(
      (id) =>
        compareBytes(id, frame.from) >= 0 && compareBytes(id, frame.to) <= 0 && !has.has(toHex(id)),
    )
    const { notices } = this.#context
    this.#send(
      neighbour,
      missing.flatMap((id) => notices.revocation(toHex(id))?.notice.bytes ?? []),
    )
  }

  #ids(root: Name): readonly Uint8Array[] {
    const known = this.#context.trust.revocations.under(root)
    return known.map(({ signed }) => signed.id).toSorted(compareBytes)
  }

  #digest(root: Name): Uint8Array {
    return revocationDigest(this.#ids(root), this.#context.hash)
  }

  #send(neighbour: Exchange, notices: readonly Uint8Array[]): void {
    let current: Uint8Array[] = []
    let bytes = 0
    const end = () => {
      if (current.length > 0) neighbour.tell({ kind: 'notices', notices: current })
      current = []
      bytes = 0
    }
    for (const notice of notices) {
      if (bytes + notice.length > FRAME_NOTICES_BYTES || current.length === FRAME_NOTICES_MAX) end()
      current.push(notice)
      bytes += notice.length
    }
    end()
  }
}
