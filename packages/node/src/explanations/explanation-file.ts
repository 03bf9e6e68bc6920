import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { concatBytes, type Explanation } from '@ixj/trust'
import { HomeError } from '../home/home-error.ts'
import { EXPLANATION_MATCHES_MAX, EXPLANATIONS_MAX } from './limits.ts'

/** What a node of a home decided, and why. */
export interface KeptExplanation {
  /** The node that decided. */
  readonly node: string
  /** ms since the Unix epoch. */
  readonly at: number
  readonly about: string
  /** Id of the bundle in hex, where one was read. */
  readonly id: string | null
  /** Ids of its messages, where they were read. */
  readonly messageIds: readonly Uint8Array[]
  readonly explanation: Explanation
}

const ID_BYTES = 16
/** How long one process of a home waits for another that writes. */
const BUSY_MS = 1_000

/**
 * The last explanations of the nodes of one home, in an SQLite file that can be read while nodes
 * write. Reading and writing block the process for a few microseconds each.
 */
export class ExplanationFile implements Disposable {
  readonly #database: DatabaseSync
  readonly #insert: StatementSync
  readonly #trim: StatementSync
  readonly #find: StatementSync

  /** @throws HomeError `file` */
  constructor(path: string) {
    try {
      // Trees stay home: others on this machine read none of them either.
      closeSync(openSync(path, 'a', 0o600))
      this.#database = new DatabaseSync(path, { timeout: BUSY_MS })
      // What is lost in a power cut is an explanation, not a decision; those are in the audit log.
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      this.#database.exec(
        'CREATE TABLE IF NOT EXISTS explanations (place INTEGER PRIMARY KEY AUTOINCREMENT, ' +
          'node TEXT, at INTEGER, about TEXT, id TEXT, messages BLOB, explanation TEXT) STRICT',
      )
      this.#database.exec('CREATE INDEX IF NOT EXISTS by_id ON explanations (id)')
      this.#insert = this.#database.prepare(
        'INSERT INTO explanations (node, at, about, id, messages, explanation) VALUES (?, ?, ?, ?, ?, ?)',
      )
      this.#trim = this.#database.prepare(
        'DELETE FROM explanations WHERE place <= (SELECT max(place) FROM explanations) - ?',
      )
      this.#find = this.#database.prepare(
        'SELECT node, at, about, id, messages, explanation FROM explanations ' +
          'WHERE (id >= ?1 AND id < ?2) OR instr(hex(messages), upper(?1)) % 32 = 1 ' +
          'ORDER BY place DESC LIMIT ?3',
      )
    } catch (cause) {
      throw unusable(`Cannot open the explanations in ${path}`, cause)
    }
  }

  /** Keeps these, and of all the last {@link EXPLANATIONS_MAX}. @throws HomeError `file` */
  write(kept: readonly KeptExplanation[]): void {
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        for (const { node, at, about, id, messageIds, explanation } of kept) {
          const ids = concatBytes(...messageIds)
          this.#insert.run(node, at, about, id, ids, JSON.stringify(explanation))
        }
        this.#trim.run(EXPLANATIONS_MAX)
        this.#database.exec('COMMIT')
      } catch (cause) {
        this.#database.exec('ROLLBACK')
        throw cause
      }
    } catch (cause) {
      throw unusable(`Cannot keep ${kept.length} explanations`, cause)
    }
  }

  /**
   * Those about a bundle or message whose id, in hex, begins like this; the newest first, at most
   * {@link EXPLANATION_MATCHES_MAX}. @throws HomeError `file`
   */
  find(idPrefix: string): readonly KeptExplanation[] {
    try {
      const rows = this.#find.all(idPrefix, `${idPrefix}g`, EXPLANATION_MATCHES_MAX)
      return rows.map((row) => ({
        node: String(row['node']),
        at: Number(row['at']),
        about: String(row['about']),
        id: row['id'] === null ? null : String(row['id']),
        messageIds: partsOf(row['messages'] as Uint8Array),
        explanation: JSON.parse(String(row['explanation'])) as Explanation,
      }))
    } catch (cause) {
      throw unusable('Cannot read the explanations', cause)
    }
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

function partsOf(ids: Uint8Array): readonly Uint8Array[] {
  const count = Math.floor(ids.length / ID_BYTES)
  return Array.from({ length: count }, (_, index) =>
    ids.slice(index * ID_BYTES, (index + 1) * ID_BYTES),
  )
}

function unusable(tried: string, cause: unknown): HomeError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HomeError('file', `${tried}: ${reason}`, { cause })
}
