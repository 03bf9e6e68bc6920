import { equalBytes, toHex } from './bytes.ts'
import { forgetOldest } from './forget-oldest.ts'
import type { Verifier } from './keys/index.ts'
import { VERIFIED_TREES_MAX } from './limits.ts'
import { type Tree, treeInput, type TreeKind } from './tree.ts'

interface Verified {
  readonly signature: Uint8Array
  /** While it is checked, so that all items of one tree that come together cost one check. */
  readonly holds: boolean | Promise<boolean>
}

/**
 * Signatures over several items that held: each costs one check for all its items. When there are
 * too many the oldest go, and cost a check again; so whoever fills it slows down, and lets
 * nothing through.
 */
export class VerifiedTrees {
  readonly #kind: TreeKind
  readonly #max: number
  readonly #verified = new Map<string, Verified>()

  constructor(kind: TreeKind, max: number = VERIFIED_TREES_MAX) {
    this.#kind = kind
    this.#max = max
  }

  /** How many are remembered, those under check included. */
  get size(): number {
    return this.#verified.size
  }

  /** Whether this very signature by the key over the tree holds. Never throws. */
  holds(
    signed: { readonly key: Uint8Array; readonly tree: Tree; readonly signature: Uint8Array },
    verifier: Verifier,
  ): boolean | Promise<boolean> {
    const { key, tree, signature } = signed
    const place = `${toHex(key)}|${tree.count}|${toHex(tree.root)}`
    const known = this.#verified.get(place)
    // Another signature over the same tree is checked for itself: its item is stored and passed on
    // with it, and whoever gets it from here must not find junk there.
    if (known !== undefined && equalBytes(known.signature, signature)) return known.holds
    const holds = verifier.verify(key, treeInput(this.#kind, tree), signature)
    if (holds === false || known !== undefined) return holds
    this.#put(place, { signature, holds })
    if (holds === true) return true
    return this.#settle(place, { signature, holds })
  }

  async #settle(place: string, checked: Verified): Promise<boolean> {
    const holds = await checked.holds
    const isOurs = this.#verified.get(place)?.signature === checked.signature
    if (isOurs && holds) this.#verified.set(place, { signature: checked.signature, holds })
    // Junk leaves no trace: else it would stand in the place of the genuine signature.
    else if (isOurs) this.#verified.delete(place)
    return holds
  }

  #put(place: string, verified: Verified): void {
    this.#verified.set(place, verified)
    forgetOldest(this.#verified, this.#max)
  }
}
