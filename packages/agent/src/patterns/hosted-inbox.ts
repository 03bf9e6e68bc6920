import type { Name } from '@ixj/names'
import { grantHost, provingStatements } from '../host/identity.ts'
import type { Sink } from '../host/topics.ts'
import { inboxOf } from '../neighbours/open-topic.ts'
import type { MemberParts } from './parts.ts'

/**
 * Has the agent's node receive an inbox that many write to: as its reader, or as a combiner, which
 * is one of several that senders choose from. Disposing closes it.
 * @throws AgentError `mixed-topic`, `open-already`; TrustError `not-granted`
 */
export async function openHostedInbox(
  topic: Name,
  sink: Sink,
  { core, identity, as }: MemberParts & { readonly as: 'combiner' | 'inbox' },
): Promise<AsyncDisposable> {
  const node = { topic, node: core.identity.name, nodeKey: core.identity.signer.publicKey }
  const host = await grantHost(identity, node, {
    now: core.clock.now(),
    random: core.random,
    hash: core.hash,
    issued: (issuer, statements) => core.issued(issuer, statements),
  })
  const own = { ...identity, statements: [...identity.statements, host] }
  const hosted = await core.pinStatements([host])
  const proof = core.proofs.compose(provingStatements(own, [host]), own)
  // Gossip reaches all of a topic, so nothing comes to a combiner by it.
  const carrier = as === 'inbox' ? topic : core.identity.name
  const open = inboxOf(topic, { carrier, host, proof, as })
  try {
    await core.open(open, sink)
  } catch (cause) {
    hosted.unpin()
    throw cause
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await core.close(open, sink)
      hosted.unpin()
    },
  }
}
