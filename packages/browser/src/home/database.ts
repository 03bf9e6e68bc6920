import { BrowserError } from '../browser-error.ts'

const VERSION = 1

/** What lies in the database of a name, one object store each. */
export type Section =
  /** Key pairs, by what they are for. */
  | 'keys'
  /** What a node remembers, by key. */
  | 'values'
  /** History: what is known of each bundle, by its id in hex. */
  | 'rows'
  /** History: the bundles, by the same. */
  | 'bundles'
  /** Two bundles for one place, by the key that signed them. */
  | 'evidence'
  /** Places that were taken, in their order; index `forgetAt`. */
  | 'places'

const SECTIONS: readonly Section[] = ['keys', 'values', 'rows', 'bundles', 'evidence']

/** The IndexedDB database of one name. */
export class Database implements Disposable {
  readonly #database: IDBDatabase

  constructor(database: IDBDatabase) {
    this.#database = database
    // A page of a later version may change the form of the database: it must not wait for this one.
    database.addEventListener('versionchange', () => database.close())
  }

  /**
   * Reads within one transaction; what was written by calls before this one is there.
   * @throws BrowserError `storage`
   */
  async read<T>(section: Section, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return await this.#run([section], 'readonly', (open) => ask(open(section)))
  }

  /**
   * Writes within one transaction: all of it or nothing. Resolves when it would survive a crash of
   * the browser's process.
   * @throws BrowserError `storage`
   */
  async write(
    sections: readonly Section[],
    change: (open: (section: Section) => IDBObjectStore) => void,
  ): Promise<void> {
    await this.#run(sections, 'readwrite', (open) => {
      change(open)
      return undefined
    })
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }

  async #run<T>(
    sections: readonly Section[],
    mode: IDBTransactionMode,
    work: (open: (section: Section) => IDBObjectStore) => IDBRequest<T> | undefined,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    try {
      const transaction = this.#database.transaction([...sections], mode)
      const request = work((section) => transaction.objectStore(section))
      transaction.addEventListener('complete', () => resolve(request?.result as T))
      const failed = () => reject(storageError(sections, transaction.error))
      transaction.addEventListener('abort', failed)
      transaction.addEventListener('error', failed)
    } catch (cause) {
      // A database that was closed, or a value that cannot be kept as it is.
      if (!(cause instanceof DOMException)) throw cause
      throw storageError(sections, cause)
    }
    return await promise
  }
}

function storageError(sections: readonly Section[], cause: DOMException | null): BrowserError {
  const reason = cause === null ? 'the transaction was ended' : `${cause.name}: ${cause.message}`
  return new BrowserError('storage', `Cannot use ${sections.join(', ')} in IndexedDB: ${reason}`, {
    cause,
  })
}

/**
 * Opens a database, and makes it if it is not there.
 * @throws BrowserError `storage`
 */
export async function openDatabase(factory: IDBFactory, name: string): Promise<Database> {
  const { promise, resolve, reject } = Promise.withResolvers<Database>()
  const request = factory.open(name, VERSION)
  request.addEventListener('upgradeneeded', () => {
    for (const section of SECTIONS) request.result.createObjectStore(section)
    const places = request.result.createObjectStore('places', { autoIncrement: true })
    places.createIndex('forgetAt', 'forgetAt')
  })
  request.addEventListener('success', () => resolve(new Database(request.result)))
  request.addEventListener('error', () => {
    const reason = request.error?.message ?? 'no reason was given'
    const message = `Cannot open "${name}" in IndexedDB: ${reason}`
    reject(new BrowserError('storage', message, { cause: request.error }))
  })
  return await promise
}
