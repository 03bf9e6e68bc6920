export * from './home.ts'
export {
  type Keeper,
  type Mesh,
  MESH_PROTOCOLS_DEFAULT,
  type MeshCounts,
  type MeshOptions,
  openMesh,
} from './mesh.ts'
export { NodeError, type NodeCode } from './node-error.ts'
export { type DnsOptions, Node, type NodeOptions, openNode } from './node.ts'
