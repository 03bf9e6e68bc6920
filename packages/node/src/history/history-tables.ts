import { DatabaseSync } from 'node:sqlite'
import type { EvidenceRow, HistoryRow } from '@ixj/agent'
import type { HistoryChange, PlacedRow } from './history-questions.ts'
import { HISTORY_PAGE_BYTES } from './limits.ts'

/** The form of the tables; another is not read. */
const VERSION = 1
/** Keys against which evidence is kept; as many as are read again. */
const EVIDENCE_MAX = 256
/** How long a reader waits for the node that writes. */
const BUSY_MS = 1_000

/** A history's SQLite file, read and written at once: only its own thread has it. */
export interface HistoryTables {
  load(): readonly PlacedRow[]
  write(change: HistoryChange): void
  read(places: readonly number[]): readonly (Uint8Array | undefined)[]
  evidence(): readonly EvidenceRow[]
  /** Waits until the disk has all that was committed. */
  sync(): void
  close(): void
}

/** Opens the file, and makes its tables if it is new. Throws what SQLite throws. */
export function openTables(path: string): HistoryTables {
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA page_size = ${HISTORY_PAGE_BYTES}`)
  // NORMAL: a commit survives a crash of the process; `sync` has it survive a power cut.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  prepareTables(database)
  const put = database.prepare(
    'INSERT INTO bundles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const remove = database.prepare('DELETE FROM bundles WHERE place = ?')
  const read = database.prepare('SELECT bytes FROM bundles WHERE place = ?')
  const convict = database.prepare(
    'INSERT OR IGNORE INTO evidence SELECT ?, ?, ?, ?, ?, ? ' +
      `WHERE (SELECT count(*) FROM evidence) < ${EVIDENCE_MAX}`,
  )
  const inOneCommit = (run: () => void): void => {
    database.exec('BEGIN IMMEDIATE')
    try {
      run()
      database.exec('COMMIT')
    } catch (cause) {
      // A failure may have ended the transaction by itself.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw cause
    }
  }
  return {
    load: () =>
      database
        .prepare(
          'SELECT place, id, topic, class, sender, key, epoch, first, count, sentAt, verifiedAt, ' +
            'onBehalfOf, origin, length(bytes) AS length FROM bundles ORDER BY place',
        )
        .all()
        .map(({ place, ...row }) => ({ place: Number(place), row: row as unknown as HistoryRow })),
    write: ({ puts, staged, removes, evidence }) => {
      // First what makes room: on a full disk the next commit may need it.
      if (removes.length > 0) inOneCommit(() => removes.forEach((place) => remove.run(place)))
      inOneCommit(() => {
        for (const { place, row, start, end } of puts) {
          const { id, topic, class: kept, sender, key, epoch, first, count } = row
          const { sentAt, verifiedAt, onBehalfOf, origin } = row
          const bytes = new Uint8Array(staged, start, end - start)
          const stream = [sender, key, epoch, first, count] as const
          put.run(place, id, topic, kept, ...stream, sentAt, verifiedAt, onBehalfOf, origin, bytes)
        }
        for (const { key, stream, ids, bundles } of evidence) {
          convict.run(key, stream, ids[0], ids[1], bundles[0], bundles[1])
        }
      })
    },
    read: (places) => places.map((place) => read.get(place)?.['bytes'] as Uint8Array | undefined),
    evidence: () => evidenceIn(database),
    sync: () => database.exec('PRAGMA wal_checkpoint(PASSIVE)'),
    close: () => database.close(),
  }
}

/** Reads the evidence beside a node that may be writing. Throws what SQLite throws. */
export function readEvidenceTable(path: string): readonly EvidenceRow[] {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS })
  try {
    return evidenceIn(database)
  } finally {
    database.close()
  }
}

function evidenceIn(database: DatabaseSync): readonly EvidenceRow[] {
  return database
    .prepare('SELECT * FROM evidence ORDER BY rowid')
    .all()
    .map((row) => ({
      key: String(row['key']),
      stream: String(row['stream']),
      ids: [String(row['firstId']), String(row['secondId'])],
      bundles: [row['firstBundle'] as Uint8Array | null, row['secondBundle'] as Uint8Array],
    }))
}

function prepareTables(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version !== 0 && version !== VERSION) throw new Error(`its version is ${version}`)
  database.exec(
    'CREATE TABLE IF NOT EXISTS bundles (place INTEGER PRIMARY KEY, id BLOB, topic TEXT, ' +
      'class TEXT, sender TEXT, key BLOB, epoch INTEGER, first INTEGER, count INTEGER, ' +
      'sentAt INTEGER, verifiedAt INTEGER, onBehalfOf TEXT, origin TEXT, bytes BLOB) STRICT; ' +
      'CREATE TABLE IF NOT EXISTS evidence (key TEXT PRIMARY KEY, stream TEXT, firstId TEXT, ' +
      'secondId TEXT, firstBundle BLOB, secondBundle BLOB) STRICT; ' +
      `PRAGMA user_version = ${VERSION}`,
  )
}
