import { join, resolve } from 'node:path'
import type { Identity, OpeningKey, Store } from '@ixj/agent'
import type { Name } from '@ixj/names'
import {
  AnchorSet,
  formatAnchors,
  parseAnchors,
  SEED_BYTES,
  type SignedStatement,
  type Signer,
  TrustError,
  utf8Text,
} from '@ixj/trust'
import { openingKeyOf } from '../hpke-sealer.ts'
import { nodeRandom, nodeSigner } from '../node-keys.ts'
import { formatCrossCertificates, parseCrossCertificates } from './cross-certificates-file.ts'
import {
  DNS_SETTINGS_DEFAULT,
  type DnsSettings,
  formatDnsSettings,
  parseDnsSettings,
} from './dns-file.ts'
import { checkFolder, makeFolder, OTHERS_MAY_WRITE, readBounded, replaceFile } from './file.ts'
import { fileName, listNames } from './file-names.ts'
import { FileStore } from './file-store.ts'
import { HomeError } from './home-error.ts'
import { type KeyPlace, type KeyPurpose, readKeyFile, writeKeyFile } from './key-file.ts'
import * as limits from './limits.ts'
import { openChangeLock, openNameLock } from './name-lock.ts'
import { writeDefaultPolicy, writePolicyText } from './policy-file.ts'
import { formatStatements, parseStatements } from './statements-file.ts'

/**
 * A home folder: keys (`keys/NAME.key`), what was stated about their names
 * (`statements/NAME.json`), whom this home trusts (`trust/anchors.json`), what organisations say of
 * each other (`trust/cross-certificates.json`), its policy
 * (`policy.cedar`), whom it asks about names (`dns.json`), zones that it keeps (`zones/ZONE/`), peer
 * keys (`peers/NAME.key`), remembered values (`state/`), what a node took in and sent lately
 * (`history/NAME/`) and locks (`locks/`).
 * Every file is written in whole or not at all. Several processes may share a home, each with names
 * of its own.
 */
export interface Home {
  /** The folder's absolute path. */
  readonly folder: string
  /** Where a name's key lies, or would lie. @throws HomeError `too-large` */
  keyPath(name: Name): string
  /** Makes a new key. @throws HomeError `exists`, `file`, `too-large`; TrustError `key-file` */
  createKey(name: Name): Promise<Signer>
  /** Writes the key of a 32-byte seed. @throws as `createKey`; TrustError `bad-key` */
  writeKey(name: Name, seed: Uint8Array): Promise<Signer>
  /**
   * The key of a name.
   * @throws TrustError `key-file`: there is none; others may read it, or enter its folder (the
   * message has the command that cures it); it is malformed, cut off, or another name's
   */
  readSigner(name: Name): Promise<Signer>
  /** Names that have a key here, sorted. */
  keyNames(): Promise<readonly Name[]>
  /**
   * A name, its key and its statements: none for an organisation's root, or before it is bound.
   * @throws as `readSigner`; HomeError `malformed`, `too-large`, `unsupported`, `unsafe-mode`
   */
  readIdentity(name: Name): Promise<Identity>
  /** The key that opens what is sealed to a name; it comes from the name's own. @throws as `readSigner` */
  readOpening(name: Name): Promise<OpeningKey>
  /** What was stated about a name, whether its key is here or not. @throws as `readIdentity` */
  readStatements(name: Name): Promise<readonly SignedStatement[]>
  /** Names about which something was stated, sorted. */
  statementNames(): Promise<readonly Name[]>
  /** Puts these statements in the place of those that a name had. @throws HomeError `too-large` */
  writeStatements(name: Name, statements: readonly SignedStatement[]): Promise<void>
  /**
   * Replaces what was stated about a name by what `change` makes of it, as `updateAnchors` does.
   * @throws HomeError `in-use`, and as `readIdentity`
   */
  updateStatements(
    name: Name,
    change: (statements: readonly SignedStatement[]) => readonly SignedStatement[],
  ): Promise<void>
  /** Whom this home trusts; nobody, if it has no such file. @throws HomeError as `readIdentity` */
  readAnchors(): Promise<AnchorSet>
  /** Replaces whom this home trusts. */
  writeAnchors(anchors: AnchorSet): Promise<void>
  /**
   * Replaces whom this home trusts by what `change` makes of it; changes of several processes wait
   * for each other, so that none is lost. If `change` throws, all stays as it was.
   * @throws HomeError `in-use` after {@link limits.CHANGE_WAIT_MS}, and as `readAnchors`
   */
  updateAnchors(change: (anchors: AnchorSet) => AnchorSet): Promise<AnchorSet>
  /** What organisations say of each other, and what proves them. @throws as `readIdentity` */
  readCrossCertificates(): Promise<readonly SignedStatement[]>
  /**
   * Replaces that by what `change` makes of it, as `updateAnchors` does.
   * @throws HomeError `in-use`, and as `readCrossCertificates`
   */
  updateCrossCertificates(
    change: (statements: readonly SignedStatement[]) => readonly SignedStatement[],
  ): Promise<void>
  /**
   * Where its policy lies. The default one is written there if there is none.
   * @throws HomeError `file`
   */
  policyPath(): Promise<string>
  /**
   * Replaces its policy. A text that cannot be used does not take the place of one that can.
   * @throws PolicyError; HomeError `file`
   */
  writePolicy(text: string): Promise<void>
  /** Whom it asks about names; the system's name servers without a file. @throws as `readRules` */
  readDnsSettings(): Promise<DnsSettings>
  /** Replaces whom it asks about names. @throws HomeError as `readDnsSettings` would */
  writeDnsSettings(settings: DnsSettings): Promise<void>
  /**
   * Replaces whom it asks about names by what `change` makes of it, as `updateAnchors` does.
   * @throws HomeError `in-use`, and as `readDnsSettings`
   */
  updateDnsSettings(change: (settings: DnsSettings) => DnsSettings): Promise<DnsSettings>
  /** Where the zones that were seen signed are remembered. */
  readonly secureNamesPath: string
  /** Where the last explanations of its nodes lie, an SQLite file; it may not be there yet. */
  readonly explanationsPath: string
  /** The libp2p key of a node, a seed of 32 bytes, made on first use. @throws TrustError `key-file` */
  readPeerKey(node: Name): Promise<Uint8Array>
  /** What nodes remember between runs. Values are safe from crashes when `set` has resolved. */
  store(): Store
  /** Takes a name for this process alone, until disposed of. @throws HomeError `in-use`, `file` */
  lock(name: Name): Promise<AsyncDisposable>
}

/**
 * Opens a home folder, and makes it, mode 0700, if it is not there.
 * @throws HomeError `file`; `unsafe-mode` if others may change what is in it
 */
export async function openHome(folder: string): Promise<Home> {
  const home = new FolderHome(resolve(folder))
  await makeFolder(home.folder)
  // Who may change the folder may put other keys and anchors in it. Reading it shows no secret.
  await checkFolder(home.folder, OTHERS_MAY_WRITE)
  return home
}

class FolderHome implements Home {
  readonly folder: string
  #store: FileStore | undefined

  constructor(folder: string) {
    this.folder = folder
  }

  keyPath(name: Name): string {
    return join(this.folder, 'keys', fileName(name, '.key'))
  }

  async createKey(name: Name): Promise<Signer> {
    return await this.writeKey(name, nodeRandom(SEED_BYTES))
  }

  async writeKey(name: Name, seed: Uint8Array): Promise<Signer> {
    const place = this.#keyPlace(name, 'name')
    await makeFolder(place.folder)
    return await writeKeyFile(place, seed)
  }

  async readSigner(name: Name): Promise<Signer> {
    const place = this.#keyPlace(name, 'name')
    return nodeSigner(await this.#readSeed(place))
  }

  async readOpening(name: Name): Promise<OpeningKey> {
    return await openingKeyOf(await this.#readSeed(this.#keyPlace(name, 'name')))
  }

  async #readSeed(place: KeyPlace): Promise<Uint8Array> {
    const seed = await readKeyFile(place)
    if (seed !== undefined) return seed
    const { name, path } = place
    throw new TrustError('key-file', `Cannot use the key of "${name}": there is no ${path}`)
  }

  async keyNames(): Promise<readonly Name[]> {
    return await listNames(join(this.folder, 'keys'), '.key')
  }

  async readIdentity(name: Name): Promise<Identity> {
    const [signer, opening] = [await this.readSigner(name), await this.readOpening(name)]
    return { name, signer, opening, statements: await this.readStatements(name) }
  }

  async readStatements(name: Name): Promise<readonly SignedStatement[]> {
    const path = this.#statementsPath(name)
    const bytes = await this.#readTrusted(path, limits.STATEMENTS_FILE_BYTES_MAX)
    if (bytes === undefined) return []
    const file = parseStatements(bytes, path)
    if (file.name === name) return file.statements
    const other = JSON.stringify(file.name.slice(0, 80))
    throw new HomeError('malformed', `Cannot read ${path}: it is of ${other}, not of "${name}"`)
  }

  async statementNames(): Promise<readonly Name[]> {
    return await listNames(join(this.folder, 'statements'), '.json')
  }

  async updateStatements(
    name: Name,
    change: (statements: readonly SignedStatement[]) => readonly SignedStatement[],
  ): Promise<void> {
    await using locks = new AsyncDisposableStack()
    locks.use(await openChangeLock(await this.#locksFolder(), 'statements'))
    await this.writeStatements(name, change(await this.readStatements(name)))
  }

  async writeStatements(name: Name, statements: readonly SignedStatement[]): Promise<void> {
    await this.#replace(this.#statementsPath(name), formatStatements({ name, statements }))
  }

  async readAnchors(): Promise<AnchorSet> {
    const path = this.#anchorsPath()
    const bytes = await this.#readTrusted(path, limits.ANCHORS_FILE_BYTES_MAX)
    if (bytes === undefined) return new AnchorSet()
    try {
      return parseAnchors(utf8Text(bytes))
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      const code =
        cause.code === 'unsupported' || cause.code === 'too-large' ? cause.code : 'malformed'
      throw new HomeError(code, `Cannot read ${path}: ${cause.message}`, { cause })
    }
  }

  async writeAnchors(anchors: AnchorSet): Promise<void> {
    await this.#replace(this.#anchorsPath(), formatAnchors(anchors))
  }

  async updateAnchors(change: (anchors: AnchorSet) => AnchorSet): Promise<AnchorSet> {
    await using locks = new AsyncDisposableStack()
    locks.use(await openChangeLock(await this.#locksFolder(), 'anchors'))
    const anchors = change(await this.readAnchors())
    await this.writeAnchors(anchors)
    return anchors
  }

  async readCrossCertificates(): Promise<readonly SignedStatement[]> {
    const path = this.#crossingPath()
    const bytes = await this.#readTrusted(path, limits.CROSSING_FILE_BYTES_MAX)
    return bytes === undefined ? [] : parseCrossCertificates(bytes, path)
  }

  async updateCrossCertificates(
    change: (statements: readonly SignedStatement[]) => readonly SignedStatement[],
  ): Promise<void> {
    await using locks = new AsyncDisposableStack()
    locks.use(await openChangeLock(await this.#locksFolder(), 'cross-certificates'))
    const statements = change(await this.readCrossCertificates())
    await this.#replace(this.#crossingPath(), formatCrossCertificates(statements))
  }

  async policyPath(): Promise<string> {
    return await writeDefaultPolicy(this.folder)
  }

  async writePolicy(text: string): Promise<void> {
    await writePolicyText(this.folder, text)
  }

  async readDnsSettings(): Promise<DnsSettings> {
    const path = this.#dnsPath()
    const bytes = await this.#readTrusted(path, limits.DNS_FILE_BYTES_MAX)
    return bytes === undefined ? DNS_SETTINGS_DEFAULT : parseDnsSettings(bytes, path)
  }

  async writeDnsSettings(settings: DnsSettings): Promise<void> {
    const path = this.#dnsPath()
    const text = formatDnsSettings(settings)
    parseDnsSettings(Buffer.from(text), path)
    await this.#replace(path, text)
  }

  async updateDnsSettings(change: (settings: DnsSettings) => DnsSettings): Promise<DnsSettings> {
    await using locks = new AsyncDisposableStack()
    locks.use(await openChangeLock(await this.#locksFolder(), 'dns'))
    const settings = change(await this.readDnsSettings())
    await this.writeDnsSettings(settings)
    return settings
  }

  get secureNamesPath(): string {
    return join(this.folder, 'trust', 'secure-names')
  }

  get explanationsPath(): string {
    return join(this.folder, 'explanations.sqlite')
  }

  async readPeerKey(node: Name): Promise<Uint8Array> {
    const place = this.#keyPlace(node, 'peer')
    const known = await readKeyFile(place)
    if (known !== undefined) return known
    await makeFolder(place.folder)
    const seed = nodeRandom(SEED_BYTES)
    try {
      await writeKeyFile(place, seed)
      return seed
    } catch (cause) {
      if (!(cause instanceof HomeError) || cause.code !== 'exists') throw cause
      // Another call was first: its key is the one that others will meet.
      return await this.readPeerKey(node)
    }
  }

  store(): Store {
    this.#store ??= new FileStore(join(this.folder, 'state'))
    return this.#store
  }

  async lock(name: Name): Promise<AsyncDisposable> {
    fileName(name, '.lock')
    return await openNameLock(await this.#locksFolder(), name)
  }

  #keyPlace(name: Name, purpose: KeyPurpose): KeyPlace {
    const folder = join(this.folder, purpose === 'name' ? 'keys' : 'peers')
    return { path: join(folder, fileName(name, '.key')), folder, name, purpose }
  }

  async #locksFolder(): Promise<string> {
    const folder = join(this.folder, 'locks')
    await makeFolder(folder)
    return folder
  }

  #statementsPath(name: Name): string {
    return join(this.folder, 'statements', fileName(name, '.json'))
  }

  #anchorsPath(): string {
    return join(this.folder, 'trust', 'anchors.json')
  }

  #crossingPath(): string {
    return join(this.folder, 'trust', 'cross-certificates.json')
  }

  #dnsPath(): string {
    return join(this.folder, 'dns.json')
  }

  async #readTrusted(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    return await readBounded(path, { bytesMax, forbidden: OTHERS_MAY_WRITE })
  }

  async #replace(path: string, text: string): Promise<void> {
    await makeFolder(join(path, '..'))
    await replaceFile(path, text)
  }
}
