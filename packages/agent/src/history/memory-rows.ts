import { toHex } from '@ixj/trust'
import type { EvidenceRow, HistoryRow, HistoryRows } from './history-rows.ts'
import { EVIDENCE_KEPT_MAX } from './limits.ts'

/**
 * Rows in memory: for tests, the simulator, and nodes that never open twice. Disposing of them
 * forgets nothing, so a node that opens again with them has what it had.
 */
export function memoryHistory(): HistoryRows {
  const rows = new Map<string, { readonly row: HistoryRow; readonly bytes: Uint8Array }>()
  const evidence = new Map<string, EvidenceRow>()
  return {
    load: async () => [...rows.values()].map(({ row }) => row),
    put: async (row, bytes) => {
      // What arrives may be a view of a larger buffer, which would be kept with it.
      const own = bytes.byteLength * 2 < bytes.buffer.byteLength ? bytes.slice() : bytes
      rows.set(toHex(row.id), { row, bytes: own })
    },
    remove: (ids) => {
      for (const id of ids) rows.delete(toHex(id))
    },
    read: async (ids) => ids.map((id) => rows.get(toHex(id))?.bytes),
    putEvidence: async (entry) => {
      if (evidence.has(entry.key) || evidence.size >= EVIDENCE_KEPT_MAX) return
      evidence.set(entry.key, entry)
    },
    evidence: async () => [...evidence.values()],
    [Symbol.asyncDispose]: async () => {},
  }
}
