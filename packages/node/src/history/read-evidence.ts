import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { EvidenceRow } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { HomeError } from '../home/home-error.ts'
import type { Home } from '../home/home.ts'
import { HISTORY_FILE, historyFolder } from './history-folder.ts'
import { readEvidenceTable } from './history-tables.ts'

/**
 * What a node of a home has kept against keys that signed two bundles for one place, the oldest
 * first; the node may be running.
 * @throws HomeError `file`
 */
export function readEvidence(home: Pick<Home, 'folder'>, node: Name): readonly EvidenceRow[] {
  const path = join(historyFolder(home, node), HISTORY_FILE)
  if (!existsSync(path)) return []
  try {
    return readEvidenceTable(path)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new HomeError('file', `Cannot read the evidence in ${path}: ${reason}`, { cause })
  }
}
