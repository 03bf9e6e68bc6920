import type { Name } from '@ixj/names'
import type { Decision } from '../pipeline/decision.ts'
import type { Presence } from '../presence/presence.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { openCarried, type CarryingHistory } from './open-carried.ts'
import { GroupSecrets, type GroupSecretsContext } from './group-secrets.ts'

/** What of a node the secrets of its groups are kept with. */
export interface SecretsNode
  extends Omit<GroupSecretsContext, 'added' | 'failed' | 'memberSince'>, CarryingHistory {
  readonly identity: { readonly name: Name }
  readonly sync: { soon(topic: Name): void }
  readonly presence: Pick<Presence, 'since'>
  plain(about: 'state', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/** The secrets of the groups of a node. */
export function openGroupSecrets(node: SecretsNode): GroupSecrets {
  const { clock, random, hash, store, sealer, identity } = node
  const failed = (topic: Name, cause: unknown) => {
    const message = `Cannot keep the secrets of ${topic}, or what they open: the store failed`
    const refusal = new Refusal('own-fault', message, { cause })
    node.record(node.plain('state', 'keep', topic, identity.name, refusal))
  }
  return new GroupSecrets({
    clock,
    random,
    hash,
    store,
    sealer,
    memberSince: (topic, member) => node.presence.since(topic, member),
    added: (secret) => {
      node.sync.soon(secret.topic)
      void openCarried(secret, node).catch((cause: unknown) => failed(secret.topic, cause))
    },
    failed,
  })
}
