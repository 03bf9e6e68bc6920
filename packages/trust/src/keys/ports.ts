/** An Ed25519 key that signs. The private part stays inside and is never printed. */
export interface Signer {
  /** 32 bytes (RFC 8032 section 5.1.5). */
  readonly publicKey: Uint8Array
  /** The signature over the data, 64 bytes (RFC 8032 section 5.1.6). */
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/**
 * Checks Ed25519 signatures by the strict rule of docs/protocol.md, section "Keys": every
 * implementation gives the same answer to the same bytes.
 */
export interface Verifier {
  /** Whether the signature holds; `false` too for bytes that are no key or no signature. Never throws. */
  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

/** That many bytes that nobody can guess. */
export type Random = (length: number) => Uint8Array

/** Makes a new key. */
export type GenerateKey = () => Signer | Promise<Signer>
