import {
  checkName,
  findChainRevocation,
  publishedOfChain,
  SKEW_MS,
  TrustError,
  type AnchorSet,
  type RevocationView,
  type Standpoint,
  type NameChain,
} from '@ixj/trust'
import type { ZoneKeyBook } from './zone-keys.ts'

/**
 * The chain of a neighbour's name as it is now: the one that its hello proved as long as that holds,
 * then what newer records of the keys in DNS that it rests on, cross-certificates at home, and another
 * key of its anchor make of it. Undefined if it has ended, or newer records take a key back.
 */
export function currentChain(
  chain: NameChain,
  by: {
    readonly zoneKeys: ZoneKeyBook
    readonly standpoint: Standpoint
    readonly anchors: AnchorSet
    readonly revocations: RevocationView
    readonly now: number
  },
): NameChain | undefined {
  const rests = publishedOfChain(chain)
  const hasEnded = chain.notAfter + SKEW_MS < by.now
  // A successor leaves the key that this chain may begin with an end.
  const anchor = by.anchors.get(chain.anchor.name)
  const hasMoved = anchor !== undefined && anchor !== chain.anchor
  const isOutvoted = rests.some((key) => by.zoneKeys.isOutvoted(key))
  if (!hasEnded && !hasMoved && !isOutvoted) return chain
  if (hasEnded && rests.length === 0 && chain.introducer === null) return undefined
  try {
    return checkName(
      { name: chain.name, key: chain.key, use: 'sign', purpose: 'connect' },
      {
        bindings: chain.links,
        crossCertificates: chain.crossCertificates,
        standpoint: by.standpoint,
        published: rests.flatMap(({ name }) => by.zoneKeys.newest(name)?.keys ?? []),
        anchors: by.anchors,
        revocations: by.revocations,
        now: by.now,
      },
    )
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}

/** @throws TrustError `revoked` where something in the chain of a neighbour's name is void */
export function checkNotRevoked(chain: NameChain, revocations: RevocationView): void {
  const revocation = findChainRevocation(chain, revocations)
  if (revocation === undefined) return
  const by = `its key or name was revoked by "${revocation.statement.issuer}"`
  throw new TrustError('revoked', `Cannot go on with ${chain.name}: ${by}`)
}
