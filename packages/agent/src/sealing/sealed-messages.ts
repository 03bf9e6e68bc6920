import type { Name } from '@ixj/names'
import type { Sha256 } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { GroupSecrets } from './group-secrets.ts'
import { sealingInfo, type Encryption, type Header } from '../bundles/header.ts'
import type { SealingKey } from '../neighbours/right.ts'
import type { Sealer } from './sealer.ts'

/** Which bodies are to be sealed. */
interface SealingWish {
  readonly of: 'group' | 'inbox'
  readonly topic: Name
  /** Undefined: to other organisations, where that is possible and nothing has to be approved. */
  readonly seal: boolean | 'possible' | undefined
}

/** What sealing needs of its node. */
interface SealingContext {
  readonly sealer: Sealer | undefined
  readonly hash: Sha256
  readonly chain: { readonly organisation: Name }
  readonly secrets: Pick<GroupSecrets, 'seal'>
  readonly neighbours: { sealingKey(topic: Name): SealingKey | undefined }
}

/**
 * The bytes of messages as they travel: sealed to the group's secret or the recipient's key where
 * that is wished, or where they go to another organisation and its name shows an encryption key.
 * @throws AgentError `unsealable` where it is wished and cannot be done
 */
export async function sealMessages(
  plain: Uint8Array,
  fields: Omit<Header, 'digest' | 'encryption'>,
  { wish, core }: { readonly wish: SealingWish; readonly core: SealingContext },
): Promise<{ readonly encryption: Encryption | null; readonly messagesBytes: Uint8Array }> {
  const { sealer } = core
  if (wish.of === 'group' && wish.seal === true) return await core.secrets.seal(plain, fields)
  const key = sealingKeyFor(wish, fields.approvals.length > 0, core)
  if (key === undefined || sealer === undefined) return { encryption: null, messagesBytes: plain }
  const encryption = { recipient: core.hash(key) }
  const info = sealingInfo({ ...fields, encryption })
  return { encryption, messagesBytes: await sealer.seal(key, plain, info) }
}

function sealingKeyFor(
  wish: SealingWish,
  approved: boolean,
  core: SealingContext,
): Uint8Array | undefined {
  if (wish.of === 'group' || wish.seal === false) return undefined
  const found = core.sealer === undefined ? undefined : core.neighbours.sealingKey(wish.topic)
  if (wish.seal === true) {
    if (found !== undefined) return found.key
    const reason =
      core.sealer === undefined ? 'this node has no sealer' : 'it shows no encryption key'
    throw new AgentError('unsealable', `Cannot seal for ${wish.topic}: ${reason}`)
  }
  const isOwn = found?.organisation === core.chain.organisation
  return approved || (isOwn && wish.seal !== 'possible') ? undefined : found?.key
}
