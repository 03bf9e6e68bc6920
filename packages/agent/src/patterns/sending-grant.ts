import { isAtOrBelow, type Name } from '@ixj/names'
import {
  chooseGrant,
  equalBytes,
  findGrants,
  TrustError,
  type Grant,
  type SignedStatement,
} from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { grantsOf, type Identity } from '../host/identity.ts'
import type { Lane } from './lane-queue.ts'

/** What is to be sent, and for whom. */
export interface SendingNeed extends Pick<Lane, 'of' | 'topic' | 'action'> {
  /** The grant that the caller named. */
  readonly under: Uint8Array | undefined
  /** For whom the request acts that is being handled; undefined: none is. */
  readonly behalf: Name | undefined
  /** Ms since the Unix epoch. */
  readonly now: number
}

/**
 * The one grant to send under; null: as owner, as an answer, or for an inbox's policy to decide. An
 * agent holds grants of several principals, and whoever asks it must not borrow another's: for a
 * request, only authority on behalf of that request's principal counts, and the agent's own only
 * where it is that principal itself.
 * @throws AgentError `mixed-behalf`, `no-authority`; TrustError as `chooseGrant`
 */
export function chooseSendingGrant(
  identity: Identity,
  wanted: SendingNeed,
): SignedStatement<Grant> | null {
  const { topic, action, of, under, behalf, now } = wanted
  if (action === 'answer') return null
  const need = {
    subject: identity.name,
    subjectKey: identity.signer.publicKey,
    action,
    topic,
    now,
    ...(behalf === undefined ? {} : { onBehalfOf: behalf }),
  }
  const grants = grantsOf(identity)
  if (under !== undefined) {
    checkBehalf(identity, wanted, under)
    return chooseGrant(grants, { ...need, under })
  }
  const mayActAlone = behalf === undefined || behalf === identity.name
  if (mayActAlone && isAtOrBelow(topic, identity.name)) return null
  // On an inbox the receiver's policy may permit this name without any grant.
  if (mayActAlone && of === 'inbox' && findGrants(grants, need).length === 0) return null
  try {
    return chooseGrant(grants, need)
  } catch (cause) {
    if (!(cause instanceof TrustError) || cause.code !== 'not-granted') throw cause
    throw refusal(identity, wanted, cause)
  }
}

/** @throws AgentError `mixed-behalf` if the named grant is for another than the request is */
function checkBehalf(
  identity: Identity,
  { topic, action, behalf }: SendingNeed,
  under: Uint8Array,
): void {
  const named = grantsOf(identity).find(({ id }) => equalBytes(id, under))
  if (behalf === undefined || named === undefined) return
  const { onBehalfOf } = named.statement
  if (onBehalfOf === behalf) return
  throw new AgentError(
    'mixed-behalf',
    `Cannot ${action} on ${topic} for a request on behalf of ${behalf}: grant ${named.idText} is on behalf of ${onBehalfOf}`,
  )
}

function refusal(
  identity: Identity,
  { topic, action, behalf }: SendingNeed,
  cause: TrustError,
): AgentError {
  const what = `${action} on ${topic}`
  if (behalf !== undefined) {
    const reason = `${identity.name} has no authority for it on behalf of ${behalf}`
    return new AgentError('mixed-behalf', `Cannot ${what} for a request: ${reason}`, { cause })
  }
  const reason = `${identity.name} holds no grant for it`
  return new AgentError('no-authority', `Cannot ${what}: ${reason}`, { cause })
}
