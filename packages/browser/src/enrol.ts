import type { Clock } from '@ixj/agent'
import {
  ANSWER_BYTES_MAX,
  type Invitation,
  InvitationError,
  invitationIdOf,
  makeClaim,
  readAnswer,
  type Stated,
} from '@ixj/agent/invitations'
import { type Random, type Sha256, type Signer, type Verifier } from '@ixj/trust'
import { readBounded } from './read-bounded.ts'

/** Times that a claim is sent: the first answer may have been lost, or the inviter be slow. */
export const ENROL_TRIES_MAX = 4
/** Before it is sent again; twice as long each time. */
export const ENROL_WAIT_MS = 1_000

/** What a page enrols with. */
export interface EnrolOptions {
  /** As `parseInvitation` of `@ixj/agent/invitations` gives it from the page's own address. */
  readonly invitation: Invitation
  /** Where the relay is: an origin, such as `https://relay1.acme.example`. */
  readonly relay: string
  /** The key that is to have the name; it was made here and stays here. */
  readonly signer: Signer
  /** X25519, 32 bytes, for what is sealed to the name; null: nothing can be. */
  readonly encryptionKey: Uint8Array | null
  readonly clock: Clock
  readonly random: Random
  readonly verifier: Verifier
  readonly hash: Sha256
  readonly fetch: typeof fetch
  readonly signal?: AbortSignal
}

/**
 * Has the name of an invitation bound to a key, and gives what was stated of both: believed only if
 * it comes from the inviter and leads from the root that this tells to this key. The relay that
 * carries it can be silent, and nothing else. Keep the key before it is called: a name is bound once.
 * @throws InvitationError; TrustError for bytes that are no answer; the signal's reason
 */
export async function enrol(options: EnrolOptions): Promise<Stated> {
  const { invitation, signer, clock, verifier, hash, signal } = options
  const claim = await makeClaim(invitation, options, options)
  for (let tries = 1; ; tries++) {
    signal?.throwIfAborted()
    const answer = await send(claim, options)
    if (answer instanceof Uint8Array) {
      const asked = { invitation, claim, key: signer.publicKey }
      return await readAnswer(answer, asked, { verifier, hash, now: clock.now() })
    }
    const tried = `Cannot become ${invitation.name}`
    if (answer === 404) {
      const reason = 'the relay knows no such invitation: it has ended, was used, or was taken back'
      throw new InvitationError('ended', `${tried}: ${reason}`)
    }
    if (tries >= ENROL_TRIES_MAX) {
      const reason = `the relay gave no answer in ${tries} tries, the last with ${answer}`
      throw new InvitationError('unanswered', `${tried}: ${reason}`)
    }
    await pause(ENROL_WAIT_MS * 2 ** (tries - 1), clock, signal)
  }
}

/** The answer's bytes, or what came in their place: a status, or that there was no connection. */
async function send(
  claim: Uint8Array,
  { invitation, relay, fetch: fetchUrl, signal }: EnrolOptions,
): Promise<Uint8Array | number | 'no connection'> {
  const url = new URL(`/invitations/${invitationIdOf(invitation)}`, relay)
  try {
    const response = await fetchUrl(url, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Uint8Array.from(claim),
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      ...(signal === undefined ? {} : { signal }),
    })
    if (!response.ok) return response.status
    const answer = await readBounded(response, ANSWER_BYTES_MAX)
    if (answer !== undefined) return answer
  } catch (cause) {
    signal?.throwIfAborted()
    // What `fetch` rejects with where there is no connection (Fetch standard, "network error").
    if (cause instanceof TypeError) return 'no connection'
    throw cause
  }
  const size = `over ${ANSWER_BYTES_MAX} bytes, the limit`
  throw new InvitationError('forged-answer', `Cannot read the answer: it has ${size}`)
}

function pause(ms: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.at(clock.now() + ms, end)
    signal?.addEventListener('abort', end)
  })
}
