/** Bytes that sealing adds: the encapsulated key, 32, and the tag of AES-256-GCM, 16. */
export const SEALED_BYTES = 48

/** The private half of an encryption key: it opens what was sealed to its name. */
export interface OpeningKey {
  /** X25519, 32 bytes: the `encryptionKey` of its name's binding. */
  readonly publicKey: Uint8Array
  /** What was sealed under exactly this `info`; undefined if it is not for this key, or was changed. */
  open(sealed: Uint8Array, info: Uint8Array): Promise<Uint8Array | undefined>
}

/**
 * HPKE in base mode with X25519, HKDF-SHA256 and AES-256-GCM (RFC 9180): the encapsulated key and
 * then the ciphertext, {@link SEALED_BYTES} longer than what was sealed.
 */
export interface Sealer {
  /** @throws AgentError `argument` for a key of small order or of another length than 32 bytes */
  seal(recipient: Uint8Array, plain: Uint8Array, info: Uint8Array): Promise<Uint8Array>
  /** A new key, for an agent that lives as long as its process. */
  generateKey(): Promise<OpeningKey>
}
