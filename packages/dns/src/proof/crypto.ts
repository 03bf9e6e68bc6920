/** The DNSSEC algorithms that are checked: RSA/SHA-256, ECDSA P-256, Ed25519 (RFC 8624). */
export type DnssecAlgorithm = 8 | 13 | 15

/** What DNSSEC needs of a runtime. Keys and signatures are as they stand in DNSKEY and RRSIG. */
export interface DnssecCrypto {
  /**
   * Whether a signature holds (RFC 3110 and 5702, RFC 6605, RFC 8080); `false` too for bytes that
   * are no key or no signature. Never throws.
   */
  verify(
    algorithm: DnssecAlgorithm,
    publicKey: Uint8Array,
    data: Uint8Array,
    signature: Uint8Array,
  ): boolean | Promise<boolean>
  /** SHA-256 or SHA-384 for DS (RFC 4509, RFC 6605 section 2), SHA-1 for NSEC3 (RFC 5155). */
  digest(
    algorithm: 'sha1' | 'sha256' | 'sha384',
    data: Uint8Array,
  ): Uint8Array | Promise<Uint8Array>
}
