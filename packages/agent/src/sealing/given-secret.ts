import { isAtOrBelow } from '@ixj/names'
import {
  checkAuthority,
  decodeApplication,
  equalBytes,
  SKEW_MS,
  toHex,
  TrustError,
  type ProofStatements,
} from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import type { Core } from '../host/core.ts'
import type { Accepted } from '../pipeline/context.ts'
import { bundleDecision } from '../pipeline/decision.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { untilRevoked } from '../revoked/until-revoked.ts'
import { givingInfo, groupSecretOf, readGiven, SECRET_TYPE } from './group-secret.ts'
import { GROUP_SECRET_BYTES } from './limits.ts'
import type { OpeningKey } from './sealer.ts'

/** Whether a message gives a secret: it is for nodes, and no application sees it. */
export function isGivenSecret(part: MessagePart): boolean {
  return part.contentType === SECRET_TYPE
}

/**
 * Takes the secret that an accepted message gives to the member with this key, if there is one for
 * it. What does not hold is counted against its sender and changes nothing. Never rejects.
 */
export async function takeGiven(
  accepted: Accepted,
  part: MessagePart,
  { core, opening }: { readonly core: Core; readonly opening: OpeningKey | undefined },
): Promise<void> {
  try {
    if (opening !== undefined) await take(accepted, part, { core, opening })
  } catch (cause) {
    if (!(cause instanceof Refusal || cause instanceof TrustError)) throw cause
    core.record(bundleDecision(accepted, core.clock.now(), cause))
  }
}

async function take(
  accepted: Accepted,
  part: MessagePart,
  { core, opening }: { readonly core: Core; readonly opening: OpeningKey },
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
  const mayGive = giverRight(header, invite, core)
  const recipient = core.hash(opening.publicKey)
  const own = receivers.find((receiver) => equalBytes(receiver.recipient, recipient))
  if (own === undefined) return
  const { topic, sender: giver, key: giverKey } = header
  const terms = { topic, giver, giverKey, epoch, notAfter }
  const secret = await opening.open(own.sealed, givingInfo(terms))
  if (secret?.length !== GROUP_SECRET_BYTES) {
    throw new Refusal('body', `Cannot open the secret of ${topic} that ${giver} gave`)
  }
  core.secrets.add(groupSecretOf(terms, secret, core.hash), mayGive)
}

/**
 * "The owner of the group, or who holds `invite` on it": checked now, and again whenever something
 * was revoked, as of now.
 * @throws TrustError, Refusal
 */
function giverRight(header: Header, invite: Uint8Array | null, core: Core): () => boolean {
  const material = core.proofs.material(toHex(header.proof))
  if (material === undefined) {
    const reason = 'its proof is gone'
    throw new Refusal('proof-missing', `Cannot show what ${header.sender} may do: ${reason}`)
  }
  const now = core.clock.now()
  const check = () => checkGiver(header, { invite, material, now }, core)
  check()
  return untilRevoked(check, core)
}

function checkGiver(
  { topic, sender, key }: Header,
  by: {
    readonly invite: Uint8Array | null
    readonly material: ProofStatements
    readonly now: number
  },
  core: Core,
): void {
  const { revocations, anchors } = core.trust
  if (revocations.ofKey(sender, key) !== undefined) {
    throw new TrustError('revoked', `Cannot let ${sender} give a secret: its key is revoked`)
  }
  if (by.invite === null) {
    if (isAtOrBelow(topic, sender)) return
    const reason = 'it is not the owner and names no grant'
    throw new TrustError('not-granted', `Cannot let ${sender} give a secret of ${topic}: ${reason}`)
  }
  const question = { leaf: by.invite, subject: sender, subjectKey: key, topic } as const
  checkAuthority({ ...question, action: 'invite' }, { ...by.material, anchors, now: by.now })
}
