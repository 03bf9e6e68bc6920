import { type Node, openNode, systemClock } from '@ixj/node'
import { isName, type Name } from '@ixj/names'
import { createInterface } from 'node:readline'
import { aborted } from '../addresses.ts'
import { fleetHome } from './fleet-setup.ts'
import { fleetNode, THIEF_ROLE } from './names.ts'
import { openDispatch, openGarage } from './open-garage.ts'
import { type Judged, Refusals } from './refusals.ts'
import { openThief, type Tried } from './thief.ts'

/** What a process of a fleet is started with. */
export interface FleetRoleOptions {
  /** The folder of the whole fleet; a process reads its own home in it. */
  readonly fleet: string
  /** Multiaddrs of the relays, and for a thief of all others. */
  readonly connect: readonly string[]
  readonly signal: AbortSignal
}

/** What a process of a fleet tells, one object a line. */
export type FleetTold =
  | { readonly event: 'ready'; readonly role: string; readonly addresses: readonly string[] }
  /** A thief is about to send a bundle with this id in the name of a robot. */
  | (Tried & { readonly event: 'tried' })
  | Judged

/** Runs the robots of a garage, the dispatcher or the thief, until the signal. */
export async function runFleetRole(role: string, options: FleetRoleOptions): Promise<void> {
  const { fleet, connect, signal } = options
  await using node = await openNode({
    name: fleetNode(role),
    home: fleetHome(fleet, role),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    connect,
  })
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => 'whoever waits below is told')
  const failed = (cause: unknown) => broken.reject(cause)
  await using opened = new AsyncDisposableStack()
  opened.use(await openRole(node, role, { ...options, failed }))
  tell({ event: 'ready', role, addresses: node.addresses })
  await Promise.race([aborted(signal), broken.promise])
}

async function openRole(
  node: Node,
  role: string,
  options: FleetRoleOptions & { readonly failed: (cause: unknown) => void },
): Promise<AsyncDisposable> {
  const { fleet, signal, failed } = options
  if (role === THIEF_ROLE) {
    const hear = (tried: Tried) => tell({ event: 'tried', ...tried })
    const thief = await openThief(node, fleet, { clock: systemClock, hear, failed })
    hearNames(signal, (name) => thief.speakAs(name))
    return thief
  }
  const refusals = new Refusals(node, { hear: tell, failed })
  hearNames(signal, (name) => refusals.suspect(name))
  const parts = { refusals, failed }
  return await (role === 'dispatch' ? openDispatch(node, parts) : openGarage(node, role, parts))
}

/** The parent names the robots that were revoked, one a line. */
function hearNames(signal: AbortSignal, hear: (name: Name) => void): void {
  createInterface({ input: process.stdin, signal }).on('line', (line) => {
    if (isName(line)) hear(line)
  })
}

function tell(told: FleetTold): void {
  process.stdout.write(`${JSON.stringify(told)}\n`)
}
