import { ManualClock } from '../../agent/src/manual-clock.ts'
import {
  type TransportBench,
  transportContract,
} from '../../../test/contract/transport-contract.ts'
import { type Mesh, openMesh } from '../src/mesh.ts'

const settle = (): Promise<void> => new Promise((done) => setImmediate(done))

/** Meshes on loopback under one manual clock. */
async function openMeshBench(): Promise<TransportBench> {
  const clock = new ManualClock({ now: Date.now(), settle })
  const meshes: Mesh[] = []
  let changed = Promise.withResolvers<void>()
  const find = (peer: string): Mesh => {
    const mesh = meshes.find((candidate) => candidate.peer === peer)
    if (mesh === undefined) throw new Error(`${peer} is not of this bench`)
    return mesh
  }
  return {
    open: async (receiver) => {
      const mesh = await openMesh({ listen: ['/ip4/127.0.0.1/tcp/0'], clock, random: () => 0.5 })
      mesh.attach(receiver)
      meshes.push(mesh)
      return mesh
    },
    connect: async (from, to) => {
      const [address] = find(to.peer).addresses
      if (address === undefined) throw new Error(`${to.peer} listens nowhere`)
      await find(from.peer).dial(address)
    },
    until: async (condition) => {
      while (!condition()) {
        await changed.promise
        changed = Promise.withResolvers()
      }
    },
    changed: () => changed.resolve(),
    advance: (ms) => clock.advance(ms),
    blame: (at, peer) => Math.max(0, -find(at.peer).score(peer)),
    [Symbol.asyncDispose]: async () => {
      // One after the other: two nodes that stop at once wait half a second for each other.
      for (const mesh of meshes) await mesh[Symbol.asyncDispose]()
    },
  }
}

transportContract('libp2p', openMeshBench)
