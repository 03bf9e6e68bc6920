import { checkAuthority, checkSender, toHex, TrustError } from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import type { ProofBook } from '../neighbours/proof-book.ts'
import type { TrustState } from '../revoked/trust-state.ts'

/**
 * Whether anything is revoked by which a kept bundle was believed at `verifiedAt`: its key, a key
 * above, or a statement that its name or authority rests on. "A revoked key voids everything that it
 * ever signed." Where its proof is not kept any more, that is its key alone.
 */
export function isVoid(
  { sender, key, authority, action, topic, proof }: Header,
  verifiedAt: number,
  { trust, proofs }: { readonly trust: TrustState; readonly proofs: ProofBook },
): boolean {
  const { anchors, revocations } = trust
  if (revocations.ofKey(sender, key) !== undefined) return true
  const material = proofs.material(toHex(proof))
  if (material === undefined) return false
  const given = { ...material, anchors, now: verifiedAt }
  try {
    checkSender({ name: sender, key, purpose: 'send' }, given)
    if (authority === null) return false
    checkAuthority({ leaf: authority, subject: sender, subjectKey: key, action, topic }, given)
    return false
  } catch (cause) {
    // What has changed otherwise since is no reason to hide what was said.
    if (cause instanceof TrustError) return cause.code === 'revoked'
    throw cause
  }
}
