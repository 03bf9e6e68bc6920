import { parseInvitation, type Invitation } from '@ixj/agent/invitations'
import { enrol, openBrowserHome, pageClock, pageRandom, type RelayAddress } from '@ixj/browser'
import { webCryptoVerifier } from '@ixj/browser'
import { AnchorSet, PURPOSES, sha256, TrustError } from '@ixj/trust'
import { keepTicket } from './open-session.ts'
import { parseRelays, TicketError } from './ticket.ts'

/** The invitation in the page's own address, which browsers send to nobody; undefined if there is none. */
export function invitationHere(): Invitation | undefined {
  try {
    return parseInvitation(location.href)
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}

/**
 * Makes a key here, has the name of an invitation bound to it, and keeps what came of it. The anchor
 * is the invitation's own, which the relay never sees.
 * @throws InvitationError; BrowserError `in-use`, `storage`, `unsupported`; TicketError
 */
export async function acceptInvitation(invitation: Invitation): Promise<void> {
  await using home = await openBrowserHome(invitation.name)
  const signer = await home.signer()
  const statements = await enrol({
    invitation,
    relay: location.origin,
    signer,
    encryptionKey: (await home.opening()).publicKey,
    clock: pageClock,
    random: pageRandom,
    verifier: webCryptoVerifier(crypto.subtle),
    hash: sha256,
    fetch: (input, init) => fetch(input, init),
  })
  const { name, key } = invitation.root
  const addedAt = pageClock.now()
  const anchors = new AnchorSet([
    { name, keys: [key], purposes: PURPOSES, addedAt, addedBy: 'the invitation' },
  ])
  await keepTicket(home, { relays: await relaysHere(invitation), anchors, statements })
  // The secret has done its work, and nobody who looks over a shoulder needs to see it.
  history.replaceState(null, '', `${location.pathname}#live`)
}

/**
 * The relays of this origin, by its `relays.json`; without one, the one that serves the page. Each has
 * to prove its name, so a wrong list can do no more than lead to nobody.
 */
async function relaysHere(invitation: Invitation): Promise<readonly RelayAddress[]> {
  const response = await fetch('./relays.json', { cache: 'no-store' })
  if (response.ok) return parseRelays(await response.json())
  if (response.status !== 404) {
    throw new TicketError(`Cannot read relays.json: the relay answered ${response.status}`)
  }
  const url = new URL('/ixj', location.href.replace(/^http/, 'ws')).href
  return [{ url, name: invitation.relay }]
}
