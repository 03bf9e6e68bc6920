import { isAtOrBelow, type Name } from '@ixj/names'
import { checkUnderAnchor } from './anchor-chain.ts'
import { AnchorSet } from './anchor-set.ts'
import { type NameChain, type NameContext, type NameQuestion, triedName } from './name-question.ts'
import type { PublishedKey } from './published-key.ts'
import type { RootAnchor } from './root-anchor.ts'
import { TrustError } from './trust-error.ts'

/**
 * Checks a name about which nothing but the root of the DNS decides: that a zone at or above it
 * publishes a key with which a chain begins that leads down to it. The organisation of the name is
 * the highest such zone.
 * @throws TrustError `no-chain` without such a zone, and as {@link checkUnderAnchor}
 */
export function checkUnderRoot(
  question: NameQuestion,
  context: NameContext & { readonly root: RootAnchor },
): NameChain {
  const { published = [], unproven = [], root } = context
  const zone = highestZone(question.name, published)
  if (zone === undefined) {
    const reason =
      unproven.length > 0
        ? `the DNSSEC records that came with it do not hold: ${unproven.join('; ')}`
        : 'no DNSSEC records came with it that the root of the DNS proves'
    throw new TrustError('no-chain', `${triedName(question)}: ${reason}`)
  }
  const anchors = new AnchorSet([root.anchorFor(zone)])
  return checkUnderAnchor(question, { ...context, anchors })
}

function highestZone(name: Name, published: readonly PublishedKey[]): Name | undefined {
  const zones = published
    .filter((key) => isAtOrBelow(name, key.name) && isAtOrBelow(key.name, key.zone))
    .map(({ zone }) => zone)
  return zones.toSorted((left, right) => left.length - right.length)[0]
}
