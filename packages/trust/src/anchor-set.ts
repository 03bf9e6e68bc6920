import { type Name, parentName } from '@ixj/names'
import { type Anchor, type AnchorFields, isMade, makeAnchor, refused } from './anchors.ts'
import { sortedSet } from './encoding/index.ts'
import { ANCHORS_MAX } from './limits.ts'
import type { RootAnchor } from './root-anchor.ts'
import { TrustError } from './trust-error.ts'

/**
 * The anchors of one verifier, one per name. Never changes: `with` and `without` give a new set.
 * There is no way to merge two sets, and no two anchors ever answer for one name: merged, one
 * organisation could speak for another (pitfall 17).
 */
export class AnchorSet {
  readonly #byName: ReadonlyMap<Name, Anchor>
  /** The root of the DNS, where this verifier trusts it. */
  readonly root: RootAnchor | undefined

  /**
   * @throws TrustError `form` for two anchors of one name, `too-large`, and as {@link makeAnchor}
   */
  constructor(anchors: readonly AnchorFields[] = [], options: { readonly root?: RootAnchor } = {}) {
    this.root = options.root
    if (anchors.length > ANCHORS_MAX) {
      const size = `${anchors.length} anchors, limit ${ANCHORS_MAX}`
      throw new TrustError('too-large', `Cannot make anchor set: ${size}`)
    }
    const byName = new Map<Name, Anchor>()
    for (const fields of anchors) {
      if (byName.has(fields.name)) throw refused(fields.name, 'there is one already')
      byName.set(fields.name, isMade(fields) ? fields : makeAnchor(fields))
    }
    this.#byName = byName
  }

  /** How many anchors there are. */
  get size(): number {
    return this.#byName.size
  }

  /** All anchors, sorted by name. */
  get list(): readonly Anchor[] {
    return sortedSet(this.#byName.values(), (anchor) => anchor.name)
  }

  /** The anchor of exactly this name. */
  get(name: Name): Anchor | undefined {
    return this.#byName.get(name)
  }

  /**
   * The most specific anchor at or above a name: its only root, also where it refuses what a less
   * specific one would allow. Section "Anchors".
   */
  for(name: Name): Anchor | undefined {
    let above: Name | undefined = name
    while (above !== undefined) {
      const anchor = this.#byName.get(above)
      if (anchor !== undefined) return anchor
      above = parentName(above)
    }
    return undefined
  }

  /**
   * Whether keys that DNS publishes may count for a name: a zone anchor is the one that decides about
   * it, or none does and the root is trusted.
   */
  asksDns(name: Name): boolean {
    const anchor = this.for(name)
    return anchor === undefined ? this.root !== undefined : anchor.kind === 'zone'
  }

  /** This set with the root of the DNS, or another one; undefined: without. */
  withRoot(root: RootAnchor | undefined): AnchorSet {
    return new AnchorSet(this.list, rooted(root))
  }

  /**
   * This set with one anchor more, or with this one in place of the one of that name.
   * @throws TrustError as the constructor
   */
  with(fields: AnchorFields): AnchorSet {
    const others = this.list.filter((anchor) => anchor.name !== fields.name)
    return new AnchorSet([...others, fields], rooted(this.root))
  }

  /** This set without the anchor of that name, if there is one. */
  without(name: Name): AnchorSet {
    const others = this.list.filter((anchor) => anchor.name !== name)
    return new AnchorSet(others, rooted(this.root))
  }
}

function rooted(root: RootAnchor | undefined): { readonly root?: RootAnchor } {
  return root === undefined ? {} : { root }
}
