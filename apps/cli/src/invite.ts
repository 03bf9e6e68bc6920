import { type Agent, AgentError, type GrantRequest, type Host, type Identity } from '@ixj/agent'
import {
  type Answered,
  claimDigestOf,
  formatInviterMessage,
  type Invitation,
  INVITATION_TYPE,
  invitationIdOf,
  type InviterMessage,
  Inviting,
  type RootKey,
} from '@ixj/agent/invitations'
import type { Name } from '@ixj/names'
import { type Home, nodeSha256, openNodeVerifier, systemClock } from '@ixj/node/home'
import { equalBytes, fromHex, isBinding, type Uses } from '@ixj/trust'
import { CommandError } from './command-error.ts'

/** What who is invited will be bound with. */
export interface InvitedAs {
  readonly lifetimeSeconds: number
  readonly uses: Uses
  readonly strict?: boolean
  readonly grants?: readonly GrantRequest[]
}

/** How an invitation goes on. */
export interface InvitingOptions {
  /** The inviter on the mesh. */
  readonly agent: Agent
  /** The relay's node. */
  readonly relay: Name
  readonly signal: AbortSignal
  /** The relay has the invitation now: from here on a page can use it. */
  readonly opened: () => void
  /** Told of each claim that was refused. */
  readonly refused: (answered: Answered) => void
}

/** How long the relay may take to answer; it waits 15 s for a claim by itself. */
const ASK_MS = 25_000

/** Where trust begins for whom an identity invites: the top of its own chain. */
export function rootOf(inviter: Identity): Invitation['root'] {
  const [top] = inviter.statements
    .filter(isBinding)
    .toSorted((left, right) => left.statement.issuer.length - right.statement.issuer.length)
  if (top === undefined) return { name: inviter.name, key: inviter.signer.publicKey }
  return { name: top.statement.issuer, key: top.statement.issuerKey }
}

/** Who invites: a name whose key lies in a home, on a node whose log has what it binds. */
export interface InvitedBy {
  readonly name: Name
  readonly home: Home
  readonly host: Host
}

/** The inviter's side of an invitation, which binds what comes as it is told, by the keys of today. */
export function openInviting(
  invitation: Invitation,
  { name, home, host }: InvitedBy,
  invited: InvitedAs,
): Inviting {
  return new Inviting(invitation, {
    clock: systemClock,
    verifier: openNodeVerifier(),
    hash: nodeSha256,
    issue: async (child) => {
      const inviter = await home.readIdentity(name)
      const wishes = { ...invited, depth: invited.uses === 'sign' ? 0 : 1 }
      const statements = await host.issueTo(inviter, child, wishes)
      return { root: await rootKeyOf(home, inviter), statements }
    },
  })
}

/** The key at the top of an identity's chain, and the one that its home knows to come. */
async function rootKeyOf(home: Home, inviter: Identity): Promise<RootKey> {
  const root = rootOf(inviter)
  const { list } = await home.readAnchors()
  const anchor = list.find(
    ({ name, keys }) => name === root.name && keys.some((key) => equalBytes(key, root.key)),
  )
  return { key: root.key, next: anchor?.next ?? null }
}

/**
 * Waits at the relay until the invitation is used; gives the key that was bound. Ending it early takes
 * the invitation back.
 * @throws CommandError `ended`, `stopped`; AgentError `unreachable`, `refused`
 */
export async function awaitClaim(
  inviting: Inviting,
  options: InvitingOptions,
): Promise<Uint8Array> {
  const { invitation } = inviting
  const id = fromHex(invitationIdOf(invitation))
  try {
    await ask({ kind: 'open', id, notAfter: invitation.notAfter }, options)
    options.opened()
    for (;;) {
      if (options.signal.aborted) {
        throw new CommandError('stopped', `The invitation for ${invitation.name} was taken back`)
      }
      if (inviting.isVoid) {
        throw new CommandError('ended', `The invitation for ${invitation.name} has ended unused`)
      }
      const claim = await nextClaim(id, invitation, options)
      if (claim === undefined) continue
      const answered = await inviting.answer(claim)
      const claimDigest = claimDigestOf(claim, nodeSha256)
      await ask({ kind: 'answer', id, claimDigest, bytes: answered.bytes }, options)
      if (answered.key !== null) return answered.key
      options.refused(answered)
    }
  } finally {
    // So that who comes later is told at once. The relay forgets it at its end, too, without a word.
    await closeAt({ kind: 'close', id }, options)
  }
}

/** The next claim; undefined if none came for a while, or the inviter was told to stop. */
async function nextClaim(
  id: Uint8Array,
  { notAfter }: Invitation,
  options: InvitingOptions,
): Promise<Uint8Array | undefined> {
  try {
    const body = await ask({ kind: 'wait', id, notAfter }, options)
    return body instanceof Uint8Array ? body : undefined
  } catch (cause) {
    const isSilence = cause instanceof AgentError && cause.code === 'no-answer'
    if (isSilence || options.signal.aborted) return undefined
    throw cause
  }
}

async function ask(message: InviterMessage, { agent, relay, signal }: InvitingOptions) {
  const answer = await agent.request(relay, formatInviterMessage(message), {
    contentType: INVITATION_TYPE,
    lifespanMs: ASK_MS,
    signal,
  })
  return answer.body
}

async function closeAt(message: InviterMessage, { agent, relay }: InvitingOptions): Promise<void> {
  try {
    await agent.request(relay, formatInviterMessage(message), {
      contentType: INVITATION_TYPE,
      lifespanMs: 2_000,
    })
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause
  }
}
