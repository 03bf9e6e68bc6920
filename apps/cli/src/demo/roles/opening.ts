import type { Name } from '@ixj/names'
import { openNode, type Node } from '@ixj/node'
import { aborted, writeAddress } from '../addresses.ts'
import { tell, tellCounts, tellRefusals, type TaskCounts, type Role } from '../events.ts'
import { homeOf, nodeOf } from '../setup.ts'
import { publishAddress, readUpstreams } from '../zones.ts'

/** What a process of the main job is started with. */
export interface RoleOptions {
  /** The folder of the whole mesh; a process reads its own home in it and the others' addresses. */
  readonly mesh: string
  /** Multiaddrs to listen on. */
  readonly listen: readonly string[]
  /** Ends the process. */
  readonly signal: AbortSignal
}

/**
 * Opens the node of a role, publishes where its agent is, and dials agents by what the zones say of
 * them. All of this demonstration is on one machine or network, so private addresses are dialled.
 */
export async function openRole(
  role: Role,
  options: RoleOptions,
  neighbours: readonly Name[],
): Promise<Node> {
  const { mesh, signal } = options
  const node = await openNode({
    name: nodeOf(role),
    home: homeOf(mesh, role),
    listen: options.listen,
    dns: { upstreams: await readUpstreams(mesh, signal), dialPrivate: true },
  })
  void tellRefusals(role, node.host)
  const { addresses } = node
  const address = addresses.find((each) => !each.includes('/127.0.0.1/')) ?? addresses[0]
  if (address === undefined) throw new Error(`The node of ${role} has no address`)
  await publishAddress(role, address, { mesh, signal })
  await writeAddress(mesh, role, address)
  for (const neighbour of neighbours) node.keepDialing(`/dnsaddr/${neighbour}`)
  tell({ event: 'ready', role, node: node.name })
  return node
}

/** Waits for the end, then closes the node and tells what it decided. */
export async function untilEnd(
  role: Role,
  node: Node,
  options: { readonly signal: AbortSignal; sent(): number; tasks?(): TaskCounts },
): Promise<void> {
  await aborted(options.signal)
  const tasks = options.tasks?.() ?? { sent: 0, acknowledged: 0 }
  tellCounts(role, node.host, { sent: options.sent(), tasks })
  await node[Symbol.asyncDispose]()
}
