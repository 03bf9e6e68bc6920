/** Everything that bytes, keys, statements and chains can be refused for; each has one remedy. */
export type TrustCode =
  /** The bytes break the encoding rules: they are not the one canonical form of any value. */
  | 'encoding'
  /** The bytes, or something counted in them, pass a limit. */
  | 'too-large'
  /** Arrays or maps nest deeper than the limit. */
  | 'depth'
  /** The encoding is right and the shape is wrong: a field's count, type, length or range. */
  | 'form'
  /** A form of a later version, or a part that is not built. */
  | 'unsupported'
  /** A name, pattern or topic in it is not canonical. */
  | 'name'
  /** Not a usable Ed25519 public key: length, canonical form, small order, or not on the curve. */
  | 'bad-key'
  /** The signature does not hold for these bytes and this key. */
  | 'bad-signature'
  /** A statement of one kind stands where another is needed. */
  | 'wrong-kind'
  /** Its not-after lies in the past, skew included. */
  | 'expired'
  /** Its not-before lies in the future, skew included. */
  | 'not-yet-valid'
  /** A key or a statement in it was revoked. */
  | 'revoked'
  /** The newest status of an issuer is too old, so revocations of its may have been missed. */
  | 'stale'
  /** No status of an issuer is known, and its anchor demands one. */
  | 'no-status'
  /** Older than what is known: a state, or a status with a lower number. */
  | 'superseded'
  /** No anchor stands at or above the name. */
  | 'no-anchor'
  /** The anchor is there, and its limits on names or purposes leave this out. */
  | 'anchor-limits'
  /** Cross-certificates lead there, and their limits on names, hops or purposes leave this out. */
  | 'cross-limits'
  /** No bindings lead from the anchor to this name and key: unverifiable, which is not forged. */
  | 'no-chain'
  /** A link's issuer, or its key, is not the one that the link before it bound. */
  | 'broken-chain'
  /** The name is not strictly below its issuer by whole labels. */
  | 'not-below'
  /** The key's uses forbid this. */
  | 'uses'
  /** More binding links follow than a link above allows. */
  | 'depth-exceeded'
  /** The proof would cost more links, statements or signature checks than the cap. */
  | 'cost-cap'
  /** A grant allows something that its parent does not. */
  | 'wider-than-parent'
  /** A root grant reaches beyond the names that its issuer owns. */
  | 'outside-slice'
  /** The grant is for another subject, or another key of it. */
  | 'wrong-subject'
  /** The grant does not cover this action or topic. */
  | 'not-granted'
  /** A condition of the grant does not hold. */
  | 'condition'
  /** The grant asks for approvals of this message, and some are missing. */
  | 'unapproved'
  /** A condition of the grant is not known here, so it cannot hold. */
  | 'unknown-condition'
  /** The proof names a statement that is not at hand. */
  | 'missing-statement'
  /** Our own store has no room for another owner's statements: nobody's fault. */
  | 'store-full'
  /** Several grants fit, and none was named. */
  | 'ambiguous-authority'
  /** A file of keys cannot be read, or may be read by others. */
  | 'key-file'

/** Bytes, a key, a statement or a chain was refused; `code` says what for. */
export class TrustError extends Error {
  override readonly name = 'TrustError'
  readonly code: TrustCode

  constructor(code: TrustCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
