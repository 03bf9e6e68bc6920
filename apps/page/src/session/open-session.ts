import { type BrowserHome, openBrowserHome, openBrowserNode, type RelayAddress } from '@ixj/browser'
import { utf8Bytes, utf8Text } from '@ixj/trust'
import { MeshView } from '../mesh/mesh-view.ts'
import { parseRelays, type Ticket } from './ticket.ts'

/** Under which a page remembers the name that it was last. It is no secret. */
const LAST_NAME = 'ixj/name'
/** In the home of a name: its relays. */
const RELAYS = 'page/relays'

/** The name that this page was last. */
export function lastName(): string | null {
  return localStorage.getItem(LAST_NAME)
}

/** Forgets which name this page was; the keys stay where they are. */
export function forgetName(): void {
  localStorage.removeItem(LAST_NAME)
}

/** Keeps what a ticket states of a name, and whom it may trust. @throws BrowserError */
export async function keepTicket(home: BrowserHome, ticket: Ticket): Promise<void> {
  await home.writeAnchors(ticket.anchors)
  await home.writeStatements(ticket.statements)
  await writeRelays(home, ticket.relays)
}

/** Keeps where a name's relays are. @throws BrowserError `storage` */
export async function writeRelays(
  home: BrowserHome,
  relays: readonly RelayAddress[],
): Promise<void> {
  await home.store.set(RELAYS, utf8Bytes(JSON.stringify(relays)))
}

/**
 * Opens the node of a name that was enrolled here, and joins what it may receive.
 * @throws BrowserError `in-use`, `not-enrolled`, `storage`; TrustError if its chain does not hold
 */
export async function openSession(name: string): Promise<MeshView> {
  const home = await openBrowserHome(name)
  const node = await openEnrolled(home)
  localStorage.setItem(LAST_NAME, node.name)
  return await MeshView.open(node)
}

async function openEnrolled(home: BrowserHome) {
  await using opening = new AsyncDisposableStack()
  opening.use(home)
  const stored = await home.store.get(RELAYS)
  const relays = stored === undefined ? [] : parseRelays(JSON.parse(utf8Text(stored)))
  const node = await openBrowserNode({ home, relays, sharedState: true })
  opening.move()
  return node
}
