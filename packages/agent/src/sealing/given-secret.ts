import { decodeApplication, equalBytes, SKEW_MS, toHex, TrustError } from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import type { Accepted } from '../pipeline/context.ts'
import { bundleDecision } from '../pipeline/decision.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { giverRight, type GiverRight } from './giver-right.ts'
import { givingInfo, groupSecretOf, readGiven } from './group-secret.ts'
import type { GroupSecrets } from './group-secrets.ts'
import { GROUP_SECRET_BYTES } from './limits.ts'
import type { OpeningKey } from './sealer.ts'

/** What takes a given secret, and where it goes. */
interface Taking {
  readonly core: Core
  readonly secrets: GroupSecrets
  readonly opening: OpeningKey
}

/**
 * Takes the secret that an accepted message gives to the member with this key, if there is one for
 * it. What does not hold is counted against its sender and changes nothing. Never rejects.
 */
export async function takeGiven(
  accepted: Accepted,
  part: MessagePart,
  taking: Taking,
): Promise<void> {
  const { core } = taking
  try {
    await take(accepted, part, taking)
  } catch (cause) {
    if (!(cause instanceof Refusal || cause instanceof TrustError)) throw cause
    core.record(bundleDecision(accepted, core.clock.now(), cause))
  }
}

async function take(
  accepted: Accepted,
  part: MessagePart,
  { core, secrets, opening }: Taking,
): Promise<void> {
  const { header } = accepted.bundle
  const { epoch, notAfter, invite, receivers } = readGiven(decodeApplication(part.body))
  const now = core.clock.now()
  // Two givers, each ahead by the skew, one after the other.
  if (epoch > now + 2 * SKEW_MS) {
    const ahead = `its epoch is ${epoch - now} ms ahead, limit ${2 * SKEW_MS}`
    throw new Refusal('future', `Cannot take a secret of ${header.topic}: ${ahead}`)
  }
  // Before anything is opened: who may not give costs no more than this.
  const right = rightToGive(header, invite, core)
  const recipient = core.hash(opening.publicKey)
  const own = receivers.find((receiver) => equalBytes(receiver.recipient, recipient))
  if (own === undefined) return
  const { topic, sender: giver, key: giverKey } = header
  const terms = { topic, giver, giverKey, epoch, notAfter }
  const secret = await opening.open(own.sealed, givingInfo(terms))
  if (secret?.length !== GROUP_SECRET_BYTES) {
    throw new Refusal('body', `Cannot open the secret of ${topic} that ${giver} gave`)
  }
  secrets.add(groupSecretOf(terms, secret, core.hash), right)
}

/** @throws TrustError; Refusal `proof-missing` */
function rightToGive(
  { topic, sender: giver, key: giverKey, proof }: Header,
  invite: Uint8Array | null,
  core: Core,
): GiverRight {
  const material = core.proofs.material(toHex(proof))
  if (material === undefined) {
    throw new Refusal('proof-missing', `Cannot show what ${giver} may do: its proof is gone`)
  }
  const now = core.clock.now()
  return giverRight({ topic, giver, giverKey, invite }, { material, now }, core)
}
