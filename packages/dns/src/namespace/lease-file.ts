import { existsSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Name } from '@ixj/names'
import { DnsError } from '../proof.ts'
import { asStorageError, checkPrivateFile, createPrivateFile } from '../server/private-file.ts'
import { dueAt, type Lease, type LeaseStore } from './lease.ts'
import { formatLease, parseLease } from './lease-text.ts'
import { NAMESPACE_NAMES_MAX } from './limits.ts'

const FORMAT = 1
/** "ixjl", so that other databases are not taken for leases. */
const APPLICATION = 0x69786a6c
/** How long one process waits while another writes, in ms. */
const BUSY_MS_MAX = 5_000

const SCHEMA = `
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS lease (name TEXT PRIMARY KEY, revision INTEGER NOT NULL,
    due INTEGER, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS lease_due ON lease (due);
  PRAGMA application_id = ${APPLICATION};
  PRAGMA user_version = ${FORMAT};
  COMMIT;
`
const COLUMNS = 'SELECT name, revision, text FROM lease'

/** Bounds of a file of leases. */
export interface LeaseFileOptions {
  /** Names in it; default {@link NAMESPACE_NAMES_MAX}. */
  readonly namesMax?: number
}

/**
 * Opens a file of leases (SQLite), and makes it, mode 0600 in a folder of mode 0700, if it is not
 * there. Several processes may have it open. Each method blocks until the disk is done; what was
 * written survives a power cut.
 * @throws DnsError `storage`: others may read it (the message has the command that cures it), or it
 * is no such file
 */
export function openLeaseFile(path: string, options: LeaseFileOptions = {}): LeaseFile {
  if (existsSync(path)) checkPrivateFile(path)
  else makeFile(path)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: BUSY_MS_MAX })
    checkForm(path, database)
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${SCHEMA}`)
    return new LeaseFile(path, database, options)
  } catch (cause) {
    database?.close()
    throw asStorageError(cause, `Cannot open leases ${path}`)
  }
}

function makeFile(path: string): void {
  try {
    createPrivateFile(path)
  } catch (cause) {
    // Another process may have made it at the same moment.
    if (!(cause instanceof DnsError) || !existsSync(path)) throw cause
    checkPrivateFile(path)
  }
}

function checkForm(path: string, database: DatabaseSync): void {
  const { application_id: application } = database.prepare('PRAGMA application_id').get() ?? {}
  const { user_version: format } = database.prepare('PRAGMA user_version').get() ?? {}
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() ?? {}
  if (tables === 0 || (application === APPLICATION && format === FORMAT)) return
  const form = `form ${String(format)}, must be ${FORMAT}`
  throw new DnsError('storage', `Cannot open ${path}: it is no file of leases, ${form}`)
}

/** Leases on disk; use {@link openLeaseFile}. */
export class LeaseFile implements LeaseStore, AsyncDisposable {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #namesMax: number
  readonly #statements: {
    readonly get: StatementSync
    readonly insert: StatementSync
    readonly update: StatementSync
    readonly remove: StatementSync
    readonly due: StatementSync
    readonly next: StatementSync
    readonly all: StatementSync
  }

  /** Use {@link openLeaseFile}. */
  constructor(path: string, database: DatabaseSync, options: LeaseFileOptions) {
    this.#path = path
    this.#database = database
    this.#namesMax = options.namesMax ?? NAMESPACE_NAMES_MAX
    const room = '(SELECT count(*) FROM lease) < ?'
    this.#statements = {
      get: database.prepare(`${COLUMNS} WHERE name = ?`),
      insert: database.prepare(
        `INSERT INTO lease SELECT ?, 1, ?, ? WHERE ${room} ON CONFLICT DO NOTHING`,
      ),
      update: database.prepare(
        'UPDATE lease SET revision = revision + 1, due = ?, text = ? WHERE name = ? AND revision = ?',
      ),
      remove: database.prepare('DELETE FROM lease WHERE name = ? AND revision = ?'),
      due: database.prepare(`${COLUMNS} WHERE due <= ? ORDER BY due LIMIT ?`),
      next: database.prepare('SELECT min(due) AS due FROM lease'),
      all: database.prepare(COLUMNS),
    }
  }

  get(name: Name): Lease | undefined {
    return this.#run(() => {
      const row = this.#statements.get.get(name)
      return row === undefined ? undefined : this.#leaseOf(row)
    })
  }

  put(lease: Lease): Lease {
    const { name, revision } = lease
    const text = formatLease(lease)
    return this.#run(() => {
      const { insert, update } = this.#statements
      const { changes } =
        revision === 0
          ? insert.run(name, dueAt(lease), text, this.#namesMax)
          : update.run(dueAt(lease), text, name, revision)
      if (changes === 1) return { ...lease, revision: revision + 1 }
      if (revision === 0 && this.get(name) === undefined) {
        const reason = `there are ${this.#namesMax} names, the limit`
        throw new DnsError('limit', `Cannot keep the lease of ${name}: ${reason}`)
      }
      throw changedError(name)
    })
  }

  delete({ name, revision }: Lease): void {
    this.#run(() => {
      if (this.#statements.remove.run(name, revision).changes !== 1) throw changedError(name)
    })
  }

  due(now: number, limit: number): readonly Lease[] {
    return this.#run(() => this.#statements.due.all(now, limit).map((row) => this.#leaseOf(row)))
  }

  nextDue(): number | undefined {
    return this.#run(() => {
      const due = this.#statements.next.get()?.['due']
      return typeof due === 'number' ? due : undefined
    })
  }

  all(): readonly Lease[] {
    return this.#run(() => this.#statements.all.all().map((row) => this.#leaseOf(row)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }

  #leaseOf(row: Readonly<Record<string, unknown>>): Lease {
    const { name, revision, text } = row
    return parseLease({ name: String(name), revision: Number(revision), text: String(text) })
  }

  #run<Result>(use: () => Result): Result {
    try {
      return use()
    } catch (cause) {
      throw asStorageError(cause, `Cannot use leases ${this.#path}`)
    }
  }
}

function changedError(name: Name): DnsError {
  return new DnsError('zone', `Cannot change ${name}: another process changed it just now`)
}
