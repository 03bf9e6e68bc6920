export * from './home.ts'
export {
  type Keeper,
  type Mesh,
  MESH_PROTOCOLS_DEFAULT,
  type MeshCounts,
  type MeshOptions,
  openMesh,
} from './mesh.ts'
export { nodeSealer, openingKeyOf } from './hpke-sealer.ts'
export { NodeError, type NodeCode } from './node-error.ts'
export { type DnsOptions, Node, type NodeOptions, openNode } from './node.ts'
export { type AuditLogOptions, FileAuditLog, openAuditLog } from './audit/audit-log.ts'
export { diskLogFiles, type LogFile, type LogFileName, type LogFiles } from './audit/log-files.ts'
