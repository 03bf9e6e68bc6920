/** Bytes that sealing adds: the encapsulated key, 32, and the tag of AES-256-GCM, 16. */
export const SEALED_BYTES = 48

/** The private half of an encryption key: it opens what was sealed to its name. */
export interface OpeningKey {
  /** X25519, 32 bytes: the `encryptionKey` of its name's binding. */
  readonly publicKey: Uint8Array
  /** What was sealed under exactly this `info`; undefined if it is not for this key, or was changed. */
  open(sealed: Uint8Array, info: Uint8Array): Promise<Uint8Array | undefined>
}

/** What the members of a group seal with: AES-256-GCM under HKDF-SHA256 of a secret, without salt. */
export interface SharedKey {
  /** 32 bytes. */
  readonly secret: Uint8Array
  /** What the key is derived for. */
  readonly info: Uint8Array
}

/**
 * HPKE in base mode with X25519, HKDF-SHA256 and AES-256-GCM (RFC 9180): the encapsulated key and
 * then the ciphertext, {@link SEALED_BYTES} longer than what was sealed. With a shared key: the
 * ciphertext and its tag of 16 bytes.
 */
export interface Sealer {
  /** @throws AgentError `argument` for a key of small order or of another length than 32 bytes */
  seal(recipient: Uint8Array, plain: Uint8Array, info: Uint8Array): Promise<Uint8Array>
  /** A new key, for an agent that lives as long as its process. */
  generateKey(): Promise<OpeningKey>
  /** Seals under a shared key; the nonce, 12 bytes, must never come twice under one key. */
  sealShared(
    key: SharedKey,
    plain: Uint8Array,
    beside: { readonly nonce: Uint8Array; readonly associated: Uint8Array },
  ): Promise<Uint8Array>
  /** What was sealed so, under exactly these; undefined if anything was changed. */
  openShared(
    key: SharedKey,
    sealed: Uint8Array,
    beside: { readonly nonce: Uint8Array; readonly associated: Uint8Array },
  ): Promise<Uint8Array | undefined>
}
