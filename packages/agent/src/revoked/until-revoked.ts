import { TrustError } from '@ixj/trust'
import type { TrustState } from './trust-state.ts'

/** Whether a check that held still does; looked at again only when something was revoked. */
export function untilRevoked(
  check: () => void,
  context: { readonly trust: Pick<TrustState, 'generation'> },
): () => boolean {
  let { generation } = context.trust
  let holds = true
  return () => {
    if (!holds || generation === context.trust.generation) return holds
    ;({ generation } = context.trust)
    try {
      check()
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      holds = false
    }
    return holds
  }
}
