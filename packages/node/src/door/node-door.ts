import type { Clock, Identity, Transport } from '@ixj/agent'
import type { Verifier } from '@ixj/trust'
import type { Mesh } from '../mesh.ts'
import { nodeRandom, nodeSha256 } from '../node-keys.ts'
import { type Door, type DoorSettings, openDoor } from './door.ts'
import { JoinedTransport } from './joined-transport.ts'

/** A node's door if it is to have one, and the transport that its host runs on. */
export function openNodeDoor(
  settings: DoorSettings | undefined,
  of: {
    readonly identity: Identity
    readonly clock: Clock
    readonly verifier: Verifier
    readonly mesh: Mesh
  },
): { readonly door: Door | undefined; readonly transport: Transport } {
  const { identity, clock, verifier, mesh } = of
  if (settings === undefined) return { door: undefined, transport: mesh }
  const door = openDoor({
    ...settings,
    name: identity.name,
    signer: identity.signer,
    clock,
    verifier,
    random: nodeRandom,
    hash: nodeSha256,
  })
  return { door, transport: new JoinedTransport(mesh, door.transport) }
}
