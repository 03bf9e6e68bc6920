import type { Name } from '@ixj/names'
import { DnsError, encodeChain, keyOwner, TYPE, type Secure } from '../proof.ts'
import type { Resolver } from './resolver.ts'

/** What a name publishes of its keys, validated, and the same for others to validate. */
export interface KeyChain {
  /** For `keysOf`, which says which keys count. */
  readonly secure: Secure
  /** The records up to the anchor, for a proof. */
  readonly chain: Uint8Array
}

/**
 * Looks up TXT at `_ixjkey.NAME`.
 * @throws DnsError `unreachable`, `bogus`, `insecure` (also an answer that another resolver
 * validated: there is nothing to hand on), `absent`; the signal's reason
 */
export async function lookupKeyChain(
  name: Name,
  options: { readonly resolver: Resolver; readonly signal?: AbortSignal },
): Promise<KeyChain> {
  const { resolver, ...waiting } = options
  const owner = keyOwner(name)
  const found = await resolver.resolve(owner, TYPE.TXT, waiting)
  const refuse = (code: 'bogus' | 'insecure' | 'unreachable' | 'absent', why: string) =>
    new DnsError(code, `Cannot find the keys of "${name}": ${why}`)
  if (found.state === 'bogus' || found.state === 'unreachable') {
    throw refuse(found.state, found.message)
  }
  if (found.state === 'insecure') throw refuse('insecure', `no signed chain leads to ${owner}`)
  if (found.answer !== 'positive') {
    throw refuse('absent', `its zone ${found.zone} signed that there is no TXT at ${owner}`)
  }
  if (found.used.length === 0) throw refuse('insecure', `another resolver validated ${owner}`)
  return { secure: found, chain: encodeChain(found.used) }
}
