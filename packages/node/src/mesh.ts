import { Libp2pMesh } from './mesh/libp2p-mesh.ts'
import { openLibp2p } from './mesh/libp2p.ts'
import { MESH_PROTOCOLS_DEFAULT, type Mesh, type MeshOptions } from './mesh/mesh-port.ts'
import { openPeerKey } from './mesh/peer-key.ts'

export { LEARNED_MAX } from './mesh/limits.ts'
export type { MeshCounts } from './mesh/counts.ts'
export type { Keeper } from './mesh/keeper.ts'
export type { LearnedPeer, LearnedStore } from './mesh/learned-peers.ts'
export { MESH_PROTOCOLS_DEFAULT, type Mesh, type MeshOptions } from './mesh/mesh-port.ts'

/** Opens a mesh; it listens at once and takes connections as soon as a receiver is attached. */
export async function openMesh(options: MeshOptions): Promise<Mesh> {
  const privateKey = await openPeerKey(options.privateKeyBytes)
  const mesh = new Libp2pMesh(options)
  const libp2p = await openLibp2p({
    privateKey,
    listen: options.listen,
    gossip: mesh.router.service,
    refuses: () => !mesh.attached,
    counts: mesh.counts,
    ...(options.resolver === undefined ? {} : { resolver: options.resolver }),
  })
  await mesh.start(libp2p, options.protocols ?? MESH_PROTOCOLS_DEFAULT)
  return mesh
}
