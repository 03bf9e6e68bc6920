import { checkName, SKEW_MS, TrustError, type AnchorSet, type NameChain } from '@ixj/trust'
import type { ZoneKeyBook } from './zone-keys.ts'

/**
 * The chain of a neighbour's name as it is now: the one that its hello proved as long as that holds,
 * then what newer records of the key in DNS that it begins with make of it. Undefined if it has
 * ended, or newer records take that key back.
 */
export function currentChain(
  chain: NameChain,
  by: { readonly zoneKeys: ZoneKeyBook; readonly anchors: AnchorSet; readonly now: number },
): NameChain | undefined {
  const { published } = chain
  const hasEnded = chain.notAfter + SKEW_MS < by.now
  if (published === null) return hasEnded ? undefined : chain
  if (!hasEnded && !by.zoneKeys.isOutvoted(published)) return chain
  try {
    return checkName(
      { name: chain.name, key: chain.key, use: 'sign', purpose: 'connect' },
      {
        bindings: chain.links,
        published: by.zoneKeys.newest(published.name)?.keys ?? [],
        anchors: by.anchors,
        now: by.now,
      },
    )
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}
