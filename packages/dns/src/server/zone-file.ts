import { unlinkSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { SEED_BYTES } from '@ixj/trust'
import { DnsError, type DnsName, isDnsName } from '../proof.ts'
import { asStorageError, checkPrivateFile, createPrivateFile } from './private-file.ts'
import { Rrset, textOfBytes } from './rrset.ts'
import type { RrsetChange } from './zone-content.ts'

const FORMAT = 1
const PAGE_BYTES = 4_096
/** "ixjz", so that other databases are not taken for zones. */
const APPLICATION = 0x69786a7a

const schema = `
  CREATE TABLE zone (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, seed BLOB NOT NULL);
  CREATE TABLE rrset (name TEXT NOT NULL, type INTEGER NOT NULL, ttl INTEGER NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (name, type)) WITHOUT ROWID;
`

const PUT = 'INSERT OR REPLACE INTO rrset VALUES (?, ?, ?, ?)'

/** What goes into the file of a new zone. */
export interface NewZoneFile {
  readonly name: DnsName
  /** Of the zone's key; 32 bytes. */
  readonly seed: Uint8Array
  readonly rrsets: readonly Rrset[]
}

/** Bounds of a zone's file. */
export interface ZoneFileOptions {
  /** The largest size of the file; default: as the disk allows. */
  readonly fileBytesMax?: number
}

/**
 * A zone on disk: one SQLite file with its records and the seed of its key, for one process at a
 * time. Every method blocks until the disk is done.
 */
export class ZoneFile implements Disposable {
  readonly zone: DnsName
  /** 32 bytes. */
  readonly seed: Uint8Array
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #put: StatementSync
  readonly #remove: StatementSync

  private constructor(path: string, database: DatabaseSync) {
    this.#path = path
    this.#database = database
    const { name, seed } = this.#readHead()
    this.zone = name
    this.seed = seed
    this.#put = database.prepare(PUT)
    this.#remove = database.prepare('DELETE FROM rrset WHERE name = ? AND type = ?')
  }

  /**
   * Makes the file of a new zone, mode 0600, in whole or not at all. @throws DnsError `storage`, also
   * if it is there
   */
  static create(path: string, zone: NewZoneFile): void {
    createPrivateFile(path)
    try {
      using database = openDatabase(path)
      database.exec(`BEGIN; PRAGMA application_id = ${APPLICATION}; ${schema}`)
      database.prepare('INSERT INTO zone VALUES (1, ?, ?)').run(zone.name, zone.seed)
      const put = database.prepare(PUT)
      for (const rrset of zone.rrsets)
        put.run(rrset.name, rrset.type, rrset.ttl, Buffer.from(rrset.packed, 'latin1'))
      database.exec(`PRAGMA user_version = ${FORMAT}; COMMIT`)
    } catch (cause) {
      unlinkSync(path)
      throw asStorageError(cause, `Cannot make zone file ${path}`)
    }
  }

  /**
   * Opens the file of a zone, for this process alone.
   * @throws DnsError `storage`: it is not there, others may read it, another process has it, or it
   * is no zone file
   */
  static open(path: string, options: ZoneFileOptions = {}): ZoneFile {
    checkPrivateFile(path)
    let database: DatabaseSync | undefined
    try {
      database = openDatabase(path)
      if (options.fileBytesMax !== undefined) {
        const pages = Math.max(1, Math.floor(options.fileBytesMax / PAGE_BYTES))
        database.exec(`PRAGMA max_page_count = ${pages}`)
      }
      return new ZoneFile(path, database)
    } catch (cause) {
      database?.close()
      throw asStorageError(cause, `Cannot open zone file ${path}`)
    }
  }

  /** Every RRset, as it was committed last. @throws DnsError `storage` */
  *rrsets(): Generator<Rrset> {
    const rows = this.#database.prepare('SELECT name, type, ttl, data FROM rrset').iterate()
    for (const { name, type, ttl, data } of rows) {
      if (
        typeof name !== 'string' ||
        typeof type !== 'number' ||
        typeof ttl !== 'number' ||
        !(data instanceof Uint8Array)
      ) {
        throw new DnsError('storage', `Cannot read ${this.#path}: a row is not of our form`)
      }
      yield new Rrset(name as DnsName, { type, ttl, packed: textOfBytes(data) })
    }
  }

  /**
   * Makes all changes or none; when it returns, they survive a crash. After a failure the next call
   * may work again. @throws DnsError `storage`
   */
  commit(changes: Iterable<RrsetChange>): void {
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      for (const { name, type, rrset } of changes) {
        if (rrset === undefined) this.#remove.run(name, type)
        else this.#put.run(name, type, rrset.ttl, Buffer.from(rrset.packed, 'latin1'))
      }
      this.#database.exec('COMMIT')
    } catch (cause) {
      this.#rollBack()
      throw asStorageError(cause, `Cannot write ${this.#path}`)
    }
  }

  #rollBack(): void {
    // A full disk may have rolled it back already.
    if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK')
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #readHead(): { name: DnsName; seed: Uint8Array } {
    const { application_id: application } =
      this.#database.prepare('PRAGMA application_id').get() ?? {}
    const { user_version: format } = this.#database.prepare('PRAGMA user_version').get() ?? {}
    if (application !== APPLICATION || format !== FORMAT) {
      const form = `form ${String(format)}, must be ${FORMAT}`
      throw new DnsError('storage', `Cannot open ${this.#path}: it is no zone file, ${form}`)
    }
    const { name, seed } = this.#database.prepare('SELECT name, seed FROM zone').get() ?? {}
    const isWhole = typeof name === 'string' && isDnsName(name) && seed instanceof Uint8Array
    if (!isWhole || seed.length !== SEED_BYTES) {
      throw new DnsError('storage', `Cannot open ${this.#path}: its head is not of our form`)
    }
    return { name, seed }
  }
}

/** WAL: a commit is one write and one fsync; the exclusive lock keeps a second server out. */
function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      BEGIN IMMEDIATE; COMMIT`)
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}
