import type { Name } from '@ixj/names'

/**
 * What every statement carries, docs/protocol.md, section "Statements". Times are ms since the Unix
 * epoch, and the statement holds at both: notBefore < notAfter. `issuerKey` has 32 bytes, `nonce`
 * 16.
 */
export interface StatementBase<Kind extends string = string> {
  readonly kind: Kind
  /** The name that says it. */
  readonly issuer: Name
  /** The key of the issuer that signed it. */
  readonly issuerKey: Uint8Array
  readonly notBefore: number
  readonly notAfter: number
  /** Chance, so that two statements of equal content are two. */
  readonly nonce: Uint8Array
}
