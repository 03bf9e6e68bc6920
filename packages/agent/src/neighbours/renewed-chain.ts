import {
  checkName,
  publishedOfChain,
  SKEW_MS,
  TrustError,
  type AnchorSet,
  type Standpoint,
  type NameChain,
} from '@ixj/trust'
import type { ZoneKeyBook } from './zone-keys.ts'

/**
 * The chain of a neighbour's name as it is now: the one that its hello proved as long as that holds,
 * then what newer records of the keys in DNS that it rests on, and cross-certificates at home, make
 * of it. Undefined if it has ended, or newer records take a key back.
 */
export function currentChain(
  chain: NameChain,
  by: {
    readonly zoneKeys: ZoneKeyBook
    readonly standpoint: Standpoint
    readonly anchors: AnchorSet
    readonly now: number
  },
): NameChain | undefined {
  const rests = publishedOfChain(chain)
  const hasEnded = chain.notAfter + SKEW_MS < by.now
  if (!hasEnded && !rests.some((key) => by.zoneKeys.isOutvoted(key))) return chain
  if (rests.length === 0 && chain.introducer === null) return undefined
  try {
    return checkName(
      { name: chain.name, key: chain.key, use: 'sign', purpose: 'connect' },
      {
        bindings: chain.links,
        crossCertificates: chain.crossCertificates,
        standpoint: by.standpoint,
        published: rests.flatMap(({ name }) => by.zoneKeys.newest(name)?.keys ?? []),
        anchors: by.anchors,
        now: by.now,
      },
    )
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}
