import { issueRevocation } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock, writeNotice } from '@ixj/node'
import { fromBase64url } from '@ixj/trust'
import { homeOf, PLANNER } from './setup.ts'

/**
 * Revokes a worker's key by its parent's, as `ixj revoke` does it: the notice is written into a home
 * whose node runs, the ledger's, which takes it from there and tells it to all.
 */
export async function revokeStolen(
  mesh: string,
  stolen: { readonly name: Name; readonly key: string },
): Promise<void> {
  const planner = await (await openHome(homeOf(mesh, 'planner'))).readIdentity(PLANNER)
  const target = { kind: 'key', name: stolen.name, key: fromBase64url(stolen.key) } as const
  const context = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }
  const notice = await issueRevocation(planner, target, context)
  await writeNotice(await openHome(homeOf(mesh, 'ledger')), notice)
}
