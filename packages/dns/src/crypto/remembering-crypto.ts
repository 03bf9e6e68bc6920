import { createHash } from 'node:crypto'
import type { DnssecCrypto } from '../proof.ts'

/** Signatures that held and are remembered, the longest unused go first; some 200 bytes each. */
export const SIGNATURES_KEPT_MAX = 1_024

/**
 * The same cryptography, which checks a signature that held once no second time: the keys of a zone
 * stand in the chain of every name in it. What did not hold is not remembered, so junk pushes out
 * nothing.
 */
export function rememberingCrypto(
  crypto: DnssecCrypto,
  options: { readonly signaturesMax?: number } = {},
): DnssecCrypto {
  const { signaturesMax = SIGNATURES_KEPT_MAX } = options
  const held = new Set<string>()
  return {
    verify: (algorithm, publicKey, data, signature) => {
      // Each part but the last has its length in front: two questions never have one digest.
      const hash = createHash('sha256').update(Uint8Array.of(algorithm))
      for (const part of [publicKey, signature]) {
        hash.update(Uint8Array.of(part.length >> 8, part.length & 0xff)).update(part)
      }
      const id = hash.update(data).digest('base64')
      if (held.delete(id)) {
        held.add(id)
        return true
      }
      const remember = (holds: boolean): boolean => {
        if (holds) held.add(id)
        const oldest = held.values().next()
        if (held.size > signaturesMax && oldest.done !== true) held.delete(oldest.value)
        return holds
      }
      const holds = crypto.verify(algorithm, publicKey, data, signature)
      return typeof holds === 'boolean' ? remember(holds) : holds.then(remember)
    },
    digest: (algorithm, data) => crypto.digest(algorithm, data),
  }
}
