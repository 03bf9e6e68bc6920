import { SKEW_MS, statementsOfChain, toHex, type NameChain, type StatementStore } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { ENDED_STATEMENTS_KEPT_MS } from '../limits.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { Carried } from '../pipeline/carried.ts'

/** What led to bundle after bundle is marked as used so often. */
const MARK_AGAIN_MS = 1_000

/** Where statements and proofs are kept. */
export interface UsedStatementsContext {
  readonly clock: Clock
  readonly proofs: ProofBook
  readonly statements: StatementStore
}

/**
 * Keeps what led to accepted bundles: it is worth more than any quota, and the rest of their proofs is
 * not. Of a sender that is heard again and again it is marked as used once in {@link MARK_AGAIN_MS}.
 */
export class UsedStatements {
  readonly #context: UsedStatementsContext
  /**
   * When it was marked last, and with which grants: by the links of a chain, which the chains of all
   * agents of a pool have in common. One that is kept leads from one proof.
   */
  readonly #marked = new WeakMap<
    NameChain['links'],
    { readonly authority: unknown; readonly at: number }
  >()

  constructor(context: UsedStatementsContext) {
    this.#context = context
  }

  /** An accepted bundle rested on these. */
  keep({ bundle, chain, authority }: Carried): void {
    const { proofs, statements, clock } = this.#context
    const now = clock.now()
    const marked = this.#marked.get(chain.links)
    const isRecent = marked !== undefined && Math.abs(now - marked.at) < MARK_AGAIN_MS
    if (isRecent && marked.authority === authority) return
    this.#marked.set(chain.links, { authority, at: now })
    const issuers = authority?.issuers.flatMap((issuer) => statementsOfChain(issuer)) ?? []
    const used = [...statementsOfChain(chain), ...(authority?.chain ?? []), ...issuers]
    statements.keep(used.map((signed) => signed.idText))
    // As long as its statements, so that a late user is told why it does not count any more.
    const until = chain.notAfter + SKEW_MS + ENDED_STATEMENTS_KEPT_MS
    proofs.keep(toHex(bundle.header.proof), until)
  }
}
