import { join } from 'node:path'
import type { Name } from '@ixj/names'
import { fileName } from '../home/file-names.ts'
import type { Home } from '../home/home.ts'

/** The file of the bundles that a node keeps, and of its evidence. */
export const HISTORY_FILE = 'bundles.sqlite'

/** Where the history of a node lies in a home. */
export function historyFolder(home: Pick<Home, 'folder'>, node: Name): string {
  return join(home.folder, 'history', fileName(node, ''))
}
