import { equalBytes, type Sha256 } from '@ixj/trust'
import type { Bundle } from '../bundles/bundle.ts'
import { sealingInfo } from '../bundles/header.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { GroupSecrets } from './group-secrets.ts'
import type { OpeningKey } from './sealer.ts'

/** What a node opens messages with. */
export interface Opening {
  /** Of those whose inbox it is; looked for when something is sealed. */
  readonly keys: readonly OpeningKey[]
  readonly secrets: Pick<GroupSecrets, 'openMessages'>
  readonly hash: Sha256
}

/**
 * The bytes of a bundle's messages, opened where they are sealed. The signature was checked over the
 * sealed bytes, so a failure is the sender's, or our own key's, and no neighbour's.
 * @throws Refusal `sealed` or `secret-missing` if what they are sealed to is not here, `body` if it
 * does not open them
 */
export async function openMessages(
  { header, messagesBytes }: Bundle,
  opening: Opening,
): Promise<Uint8Array> {
  const { encryption, topic, sender } = header
  if (encryption === null) return messagesBytes
  if ('secret' in encryption) {
    // Nobody here is given a secret without a key of its own, so none is waited for.
    const { secret: id } = encryption
    const mayCome = opening.keys.length > 0
    return await opening.secrets.openMessages(header, messagesBytes, { id, mayCome })
  }
  const key = opening.keys.find(({ publicKey }) =>
    equalBytes(opening.hash(publicKey), encryption.recipient),
  )
  if (key === undefined) {
    throw new Refusal('sealed', `Cannot read what ${sender} sealed: ${topic} has no such key here`)
  }
  const opened = await key.open(messagesBytes, sealingInfo(header))
  if (opened !== undefined) return opened
  throw new Refusal('body', `Cannot open what ${sender} sealed: the key of ${topic} does not fit`)
}
