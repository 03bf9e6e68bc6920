import { openNode } from '@ixj/node'
import { aborted } from '../addresses.ts'
import { fleetHome } from './fleet-setup.ts'
import { fleetNode } from './names.ts'
import { openDispatch, openGarage } from './open-garage.ts'

/** What a process of a fleet is started with. */
export interface FleetRoleOptions {
  /** The folder of the whole fleet; a process reads its own home in it. */
  readonly fleet: string
  /** Multiaddrs of the relays. */
  readonly connect: readonly string[]
  readonly signal: AbortSignal
}

/** Runs the robots of a garage, or the dispatcher, until the signal. */
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
  const opening = role === 'dispatch' ? openDispatch(node, failed) : openGarage(node, role, failed)
  opened.use(await opening)
  process.stdout.write(`${JSON.stringify({ event: 'ready', role })}\n`)
  await Promise.race([aborted(signal), broken.promise])
}
