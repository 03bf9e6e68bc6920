import type { Sha256, Signer } from '@ixj/trust'
import {
  prepareBundle,
  signBundles,
  type Bundle,
  type BundleFields,
  type UnsignedBundle,
} from './bundle.ts'

interface Waiting {
  readonly unsigned: UnsignedBundle
  resolve(bundle: Bundle): void
  reject(cause: unknown): void
}

/**
 * Signs bundles. Those of one key that are made in one turn of the program share a signature:
 * several topics of one agent, several agents of a pool. A lone one is signed alone, and waits for
 * nobody.
 */
export class SealQueue {
  readonly #hash: Sha256
  readonly #waiting = new Map<Signer, Waiting[]>()

  constructor(hash: Sha256) {
    this.#hash = hash
  }

  /** @throws TrustError `too-large`; what the signer throws */
  async seal(fields: BundleFields, messagesBytes: Uint8Array, signer: Signer): Promise<Bundle> {
    const how = { key: signer.publicKey, hash: this.#hash }
    // Each by itself: one that cannot be made must not fail the others.
    const unsigned = prepareBundle(fields, messagesBytes, how)
    return await new Promise<Bundle>((resolve, reject) => {
      const waiting = { unsigned, resolve, reject }
      const others = this.#waiting.get(signer)
      if (others !== undefined) {
        others.push(waiting)
        return
      }
      this.#waiting.set(signer, [waiting])
      void this.#sign(signer)
    })
  }

  async #sign(signer: Signer): Promise<void> {
    // Whatever was called before in this turn comes to its bundle first.
    await Promise.resolve()
    const waiting = this.#waiting.get(signer) ?? []
    this.#waiting.delete(signer)
    try {
      const unsigned = waiting.map((each) => each.unsigned)
      const bundles = await signBundles(unsigned, { signer, hash: this.#hash })
      for (const [index, each] of waiting.entries()) each.resolve(bundles[index]!)
    } catch (cause) {
      for (const each of waiting) each.reject(cause)
    }
  }
}
