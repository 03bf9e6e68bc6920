import { join } from 'node:path'
import type { Clock, HistoryRows, ReplayJournal } from '@ixj/agent'
import type { Name } from '@ixj/names'
import type { Home } from '../home/home.ts'
import { HISTORY_FILE, historyFolder } from './history-folder.ts'
import { openPlaceJournal } from './place-journal.ts'
import { openSqliteHistory } from './sqlite-history.ts'

/** What a node remembers of bundles between its runs. */
export interface NodeHistory extends AsyncDisposable {
  readonly rows: HistoryRows
  readonly journal: ReplayJournal
}

/** Opens it in the home's `history/NAME`. @throws HomeError `file`, `too-large` */
export async function openNodeHistory(
  home: Pick<Home, 'folder'>,
  node: Name,
  clock: Clock,
): Promise<NodeHistory> {
  const folder = historyFolder(home, node)
  await using opening = new AsyncDisposableStack()
  const rows = opening.use(await openSqliteHistory(join(folder, HISTORY_FILE)))
  const journal = opening.use(await openPlaceJournal(folder, clock))
  const opened = opening.move()
  return { rows, journal, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
