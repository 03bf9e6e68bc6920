import { type Invitation, parseInvitation } from '@ixj/agent/invitations'
import { acceptInvitation, type RelayAddress } from '@ixj/browser'
import { TrustError } from '@ixj/trust'
import { writeRelays } from './open-session.ts'
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
 * Takes the name of an invitation for a key of this browser, through the relay that serves the page.
 * @throws as `acceptInvitation`; TicketError for relays that cannot be read
 */
export async function becomeInvited(invitation: Invitation): Promise<void> {
  await using home = await acceptInvitation(invitation, { relay: location.origin })
  await writeRelays(home, await relaysHere(invitation))
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
