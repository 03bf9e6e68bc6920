import type { Clock } from '@ixj/agent'
import { parseName as name } from '@ixj/names'
import { AnchorSet, makeStandpoint, type AnchorFields, type Verifier } from '@ixj/trust'
import { NoticeBook } from '../../packages/agent/src/revoked/notice-book.ts'
import { TrustState } from '../../packages/agent/src/revoked/trust-state.ts'
import { nodeSha256 } from './native-keys.ts'

/** What a node believes that has these anchors and has heard of no revocation, without a node. */
export function trustBooks(
  anchors: readonly AnchorFields[],
  { clock, verifier }: { readonly clock: Clock; readonly verifier: Verifier },
) {
  const trust = new TrustState(new AnchorSet(anchors), nodeSha256)
  const notices = new NoticeBook({
    clock,
    verifier,
    hash: nodeSha256,
    trust,
    published: () => [],
    standpoint: () => makeStandpoint(name('n1.acme.example'), []),
    isVerified: () => false,
  })
  return { trust, notices }
}
