import type { HistoryRows, Identity, OpeningKey, ReplayJournal, Store } from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import {
  AnchorSet,
  decode,
  decodeStatement,
  encode,
  formatAnchors,
  parseAnchors,
  sha256,
  type SignedStatement,
  type Signer,
  utf8Bytes,
  utf8Text,
} from '@ixj/trust'
import { BrowserError } from '../browser-error.ts'
import { generateWebCryptoKeyPair, webCryptoSigner } from '../web-crypto-keys.ts'
import { generateOpeningKeyPair, webCryptoOpeningKey } from '../web-crypto-sealer.ts'
import { type Database, openDatabase } from './database.ts'
import { databaseHistory } from './database-history.ts'
import { DatabaseJournal } from './database-journal.ts'
import { databaseStore } from './database-store.ts'
import { PAGE_STATEMENTS_MAX, PAGE_VALUE_BYTES_MAX } from './limits.ts'
import { openNameLock } from './name-lock.ts'

/** What a home in a page rests on; default: the browser's own. */
export interface BrowserHomeOptions {
  readonly subtle?: SubtleCrypto
  readonly databases?: IDBFactory
  readonly locks?: LockManager
}

/**
 * Where a name lives in a page: its keys, which no script can export, its statements, whom it trusts,
 * and what it remembers, in an IndexedDB database of its own. No other tab has it open.
 */
export class BrowserHome implements AsyncDisposable {
  readonly name: Name
  readonly store: Store
  readonly history: HistoryRows
  readonly journal: ReplayJournal
  readonly #subtle: SubtleCrypto
  readonly #database: Database
  readonly #opened: AsyncDisposableStack

  /** Use {@link openBrowserHome}. */
  constructor(
    name: Name,
    parts: {
      readonly subtle: SubtleCrypto
      readonly database: Database
      readonly journal: ReplayJournal
      readonly opened: AsyncDisposableStack
    },
  ) {
    this.name = name
    this.store = databaseStore(parts.database)
    this.history = databaseHistory(parts.database)
    this.journal = parts.journal
    this.#subtle = parts.subtle
    this.#database = parts.database
    this.#opened = parts.opened
  }

  /** The name's key, made on first use. @throws BrowserError `storage`, `unsupported` */
  async signer(): Promise<Signer> {
    const pair = await this.#keyPair('sign', () => generateWebCryptoKeyPair(this.#subtle))
    return await webCryptoSigner(this.#subtle, pair)
  }

  /** What opens bodies that are sealed to the name, made on first use. @throws as {@link signer} */
  async opening(): Promise<OpeningKey> {
    const pair = await this.#keyPair('open', () => generateOpeningKeyPair(this.#subtle))
    return await webCryptoOpeningKey(this.#subtle, pair)
  }

  /** What was stated about the name; none before it is enrolled. @throws BrowserError `storage` */
  async readStatements(): Promise<readonly SignedStatement[]> {
    const bytes = await this.store.get('home/statements')
    if (bytes === undefined) return []
    const envelopes = decode(bytes, { bytesMax: PAGE_VALUE_BYTES_MAX })
    if (!Array.isArray(envelopes)) throw this.#damaged('its statements are no list')
    return envelopes.map((envelope) => {
      if (!(envelope instanceof Uint8Array)) throw this.#damaged('a statement is no bytes')
      return decodeStatement(envelope, sha256)
    })
  }

  /** Puts these statements in the place of those that the name had. @throws BrowserError `storage` */
  async writeStatements(statements: readonly SignedStatement[]): Promise<void> {
    if (statements.length > PAGE_STATEMENTS_MAX) {
      const size = `${statements.length} statements, limit ${PAGE_STATEMENTS_MAX}`
      throw new BrowserError('storage', `Cannot keep the statements of ${this.name}: ${size}`)
    }
    const envelopes = statements.map(({ envelope }) => envelope)
    await this.store.set('home/statements', encode(envelopes, { bytesMax: PAGE_VALUE_BYTES_MAX }))
  }

  /** Whom this page trusts; nobody, before somebody was written. @throws BrowserError `storage` */
  async readAnchors(): Promise<AnchorSet> {
    const bytes = await this.store.get('home/anchors')
    return bytes === undefined ? new AnchorSet() : parseAnchors(utf8Text(bytes))
  }

  /** Replaces whom this page trusts. @throws BrowserError `storage` */
  async writeAnchors(anchors: AnchorSet): Promise<void> {
    await this.store.set('home/anchors', utf8Bytes(formatAnchors(anchors)))
  }

  /** The name, its keys and its statements. @throws BrowserError `not-enrolled`, as {@link signer} */
  async readIdentity(): Promise<Identity> {
    const statements = await this.readStatements()
    if (statements.length === 0) {
      const reason = 'nothing states here that its key is its own; it has to be enrolled first'
      throw new BrowserError('not-enrolled', `Cannot open ${this.name}: ${reason}`)
    }
    const [signer, opening] = [await this.signer(), await this.opening()]
    return { name: this.name, signer, opening, statements }
  }

  /** Closes the database and gives the name back. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }

  async #keyPair(use: 'sign' | 'open', make: () => Promise<CryptoKeyPair>): Promise<CryptoKeyPair> {
    const known: unknown = await this.#database.read('keys', (keys) => keys.get(use))
    if (known !== undefined) return known as CryptoKeyPair
    let made: CryptoKeyPair
    try {
      made = await make()
    } catch (cause) {
      if (!(cause instanceof DOMException)) throw cause
      const reason = `this browser makes no such key (${cause.name})`
      throw new BrowserError('unsupported', `Cannot make a key for ${this.name}: ${reason}`, {
        cause,
      })
    }
    await this.#database.write(['keys'], (open) => open('keys').add(made, use))
    return made
  }

  #damaged(reason: string): BrowserError {
    return new BrowserError('storage', `Cannot read the home of ${this.name}: ${reason}`)
  }
}

/**
 * Opens the home of a name in this page's origin, and makes it if it is not there.
 * @throws BrowserError `in-use`, `storage`, `unsupported`; NameError
 */
export async function openBrowserHome(
  text: string,
  options: BrowserHomeOptions = {},
): Promise<BrowserHome> {
  const name = parseName(text)
  const { subtle = crypto.subtle, databases = indexedDB, locks = navigator.locks } = options
  const opened = new AsyncDisposableStack()
  opened.use(await openNameLock(locks, name))
  try {
    const database = opened.use(await openDatabase(databases, `ixj/${name}`))
    const journal = new DatabaseJournal(database)
    opened.defer(() => journal.settled())
    return new BrowserHome(name, { subtle, database, journal, opened })
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}
