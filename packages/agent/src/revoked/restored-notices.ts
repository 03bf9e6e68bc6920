import { TrustError } from '@ixj/trust'
import type { HostOptions } from '../host/host-options.ts'
import type { NoticeBook } from './notice-book.ts'
import { NoticeStore } from './notice-store.ts'
import type { RevokedContext } from './revoked.ts'

/**
 * Brings back what a node knew of revocations before anything is checked by it. Nodes that share a
 * store keep theirs apart.
 * @throws TrustError for what cannot be read, and what the store throws
 */
export async function restoreNotices(
  notices: NoticeBook,
  { store, identity }: Pick<HostOptions, 'store' | 'identity'>,
): Promise<RevokedContext['kept']> {
  const revocations = new NoticeStore(store, `revoked/${identity.name}`)
  const news = new NoticeStore(store, `status/${identity.name}`)
  const kept = await revocations.load()
  const standing = kept.filter(({ bytes, right }) => notices.restore(bytes, right))
  if (standing.length < kept.length) revocations.replace(standing)
  for (const { bytes, right } of await news.load()) {
    try {
      notices.restore(bytes, right)
    } catch (cause) {
      // Anchors may have been changed by hand meanwhile; statuses and successors come again.
      if (!(cause instanceof TrustError)) throw cause
    }
  }
  return { revocations, news }
}
