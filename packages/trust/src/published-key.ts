import { isAtOrBelow, isReservedPool, type Name } from '@ixj/names'
import type { Anchor } from './anchors.ts'
import type { Uses } from './binding.ts'
import { equalBytes } from './bytes.ts'
import { TrustError } from './trust-error.ts'

/**
 * A key that a zone publishes for a name, as DNSSEC records proved against a `zone` anchor of this
 * verifier; docs/protocol.md, section "Keys in DNS". Its times are those of the signatures, and no
 * skew widens them.
 */
export interface PublishedKey {
  readonly name: Name
  /** 32 bytes, Ed25519. */
  readonly key: Uint8Array
  readonly uses: Uses
  /** Binding links that may follow below. */
  readonly depth: number
  readonly strict: boolean
  /** X25519, 32 bytes. */
  readonly encryptionKey: Uint8Array | null
  /** SHA-256 of the key to come, 32 bytes. */
  readonly next: Uint8Array | null
  /** Nodes that may receive for the name. */
  readonly hosts: readonly Name[]
  /** The zone whose key signed the record. */
  readonly zone: Name
  /** Ms since the Unix epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

/** What is asked of a published key that begins a chain. */
export interface PublishedUse {
  readonly use: 'sign' | 'bind' | 'grant'
  /** Binding links that follow. */
  readonly linksBelow: number
  readonly now: number
}

/** The published keys of this name with this key that an anchor lets count. */
export function publishedUnder(
  anchor: Pick<Anchor, 'name' | 'kind'>,
  holder: { readonly name: Name; readonly key: Uint8Array },
  published: readonly PublishedKey[],
): readonly PublishedKey[] {
  if (anchor.kind !== 'zone') return []
  return published.filter(
    (candidate) =>
      candidate.name === holder.name &&
      // A pool is bound by a statement: what its node vouches for is nothing that the DNS says.
      !isReservedPool(candidate.name) &&
      equalBytes(candidate.key, holder.key) &&
      // The zone is the anchor's or below it, the name is the zone's or below it.
      isAtOrBelow(candidate.zone, anchor.name) &&
      isAtOrBelow(candidate.name, candidate.zone),
  )
}

/** Why a published key cannot begin this chain; undefined if it can. */
export function findPublishedFault(
  published: PublishedKey,
  { use, linksBelow, now }: PublishedUse,
  tried: string,
): TrustError | undefined {
  const { name, notBefore, notAfter, uses, depth } = published
  const place = `${tried}: the key that DNS publishes for ${name}`
  if (now > notAfter) {
    return new TrustError('expired', `${place} was proved until ${notAfter}, now is ${now}`)
  }
  if (now < notBefore) {
    return new TrustError('not-yet-valid', `${place} counts from ${notBefore}, now is ${now}`)
  }
  const needed = linksBelow === 0 ? use : 'bind'
  if (needed !== 'grant' && uses !== 'both' && uses !== needed) {
    return new TrustError('uses', `${place} has the uses "${uses}", needed is "${needed}"`)
  }
  if (depth < linksBelow) {
    const limit = `${linksBelow} links follow, its depth allows ${depth}`
    return new TrustError('depth-exceeded', `${place}: ${limit}`)
  }
  return undefined
}
