import { ancestors, type Name } from '@ixj/names'
import {
  CROSS_HOPS_MAX,
  holdsAt,
  type CrossCertificate,
  type Standpoint,
  type SignedStatement,
} from '@ixj/trust'
import type { Clock } from '../clock.ts'
import { PROOF_CROSS_CERTIFICATES_MAX } from '../limits.ts'
import type { ZoneKeyBook } from './zone-keys.ts'

/**
 * The cross-certificates that a node has at home: those of its own organisation, by which it
 * verifies, and those that others issued about it, which its proofs bring.
 */
export class Crossings {
  readonly #standpoint: Standpoint
  readonly #clock: Clock
  readonly #zoneKeys: ZoneKeyBook
  readonly #issuers: readonly Name[]

  constructor(standpoint: Standpoint, clock: Clock, zoneKeys: ZoneKeyBook) {
    this.#standpoint = standpoint
    this.#clock = clock
    this.#zoneKeys = zoneKeys
    const all = [...standpoint.crossCertificates.values()].flat()
    this.#issuers = [...new Set(all.map(({ statement }) => statement.issuer))]
  }

  /** Names whose keys the DNS may have to prove, so that these certificates count. */
  get issuers(): readonly Name[] {
    return this.#issuers
  }

  /** Whom these certificates are of. */
  get subjects(): readonly Name[] {
    return [...this.#standpoint.crossCertificates.keys()]
  }

  /** Who verifies here, with the newest that the DNS says of its issuers. */
  get standpoint(): Standpoint {
    if (this.#issuers.length === 0) return this.#standpoint
    const published = this.#issuers.flatMap((name) => this.#zoneKeys.newest(name)?.keys ?? [])
    return { ...this.#standpoint, published }
  }

  /**
   * The certificates that may lead others to these names: of a subject at or above one of them, then
   * of their issuers, nearest first; {@link PROOF_CROSS_CERTIFICATES_MAX} at most.
   */
  about(names: readonly Name[]): readonly SignedStatement<CrossCertificate>[] {
    const { crossCertificates } = this.#standpoint
    if (crossCertificates.size === 0) return []
    const found = new Map<string, SignedStatement<CrossCertificate>>()
    let subjects = new Set(names.flatMap((name) => [name, ...ancestors(name)]))
    for (let hops = 0; hops < CROSS_HOPS_MAX && subjects.size > 0; hops++) {
      const issuers = new Set<Name>()
      for (const signed of [...subjects].flatMap((name) => crossCertificates.get(name) ?? [])) {
        const isNew = !found.has(signed.idText) && holdsAt(signed.statement, this.#clock.now())
        if (!isNew || found.size >= PROOF_CROSS_CERTIFICATES_MAX) continue
        found.set(signed.idText, signed)
        issuers.add(signed.statement.issuer)
      }
      subjects = issuers
    }
    return [...found.values()]
  }
}
