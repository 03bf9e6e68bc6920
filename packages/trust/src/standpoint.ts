import type { Name } from '@ixj/names'
import type { Binding } from './binding.ts'
import type { CrossCertificate } from './cross-certificate.ts'
import { HOME_CROSS_CERTIFICATES_MAX } from './limits.ts'
import type { PublishedKey } from './published-key.ts'
import { isBinding, isCrossCertificate, type SignedStatement } from './statement.ts'
import type { Successor } from './successor.ts'
import { TrustError } from './trust-error.ts'

/**
 * Who verifies, and what it knows without being told: the cross-certificates that its own
 * organisation issued, and what proves their issuers. docs/protocol.md, section "Cross-certificate".
 */
export interface Standpoint {
  /** Cross-certificates count for this name if it is at or below their issuer. */
  readonly name: Name
  readonly crossCertificates: ReadonlyMap<Name, readonly SignedStatement<CrossCertificate>[]>
  readonly bindings: readonly SignedStatement<Binding>[]
  /** Keys that DNS publishes for names above; default none. */
  readonly published?: readonly PublishedKey[]
  /** Successors of subjects' keys, in the order in which they came; their signatures were checked. */
  readonly successors?: ReadonlyMap<Name, readonly SignedStatement<Successor>[]>
}

/**
 * A standpoint from verified statements: its cross-certificates by their subjects.
 * @throws TrustError `too-large` past {@link HOME_CROSS_CERTIFICATES_MAX}
 */
export function makeStandpoint(name: Name, statements: Iterable<SignedStatement>): Standpoint {
  const all = [...statements]
  const crossCertificates = all.filter(isCrossCertificate)
  if (crossCertificates.length > HOME_CROSS_CERTIFICATES_MAX) {
    const size = `${crossCertificates.length} cross-certificates`
    const limit = `limit ${HOME_CROSS_CERTIFICATES_MAX}`
    throw new TrustError('too-large', `Cannot verify as "${name}": ${size}, ${limit}`)
  }
  return {
    name,
    crossCertificates: Map.groupBy(crossCertificates, ({ statement }) => statement.subject),
    bindings: all.filter(isBinding),
  }
}
