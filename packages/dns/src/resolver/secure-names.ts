import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import process from 'node:process'
import { DnsError, isAtOrBelowName, isDnsName, type DnsName } from '../proof.ts'
import { SECURE_NAMES_MAX } from './limits.ts'
import type { SecureNames } from './resolver.ts'

const VERSION = 1
/** A name takes at most 1,004 characters in text, and the list is bounded. */
const FILE_BYTES_MAX = SECURE_NAMES_MAX * 1_024

const OTHERS_MAY_WRITE = 0o022

/** Remembers for as long as the process runs. */
export class SecureNamesInMemory implements SecureNames {
  readonly #zones = new Set<DnsName>()

  has(zone: DnsName): boolean {
    return this.#zones.has(zone)
  }

  add(zone: DnsName): void {
    if (this.#zones.size < SECURE_NAMES_MAX) this.#zones.add(zone)
  }
}

/** Names that were secure once, in a file: they stay so until a person says otherwise. */
export interface SecureNamesFile extends SecureNames {
  readonly zones: readonly DnsName[]
  /** Why the last change is not on disk; undefined if it is. Each further change tries again. */
  readonly fault: DnsError | undefined
  /**
   * Forgets a name and all zones below it, and gives those that it forgot: none where only a zone
   * above counts. Lookups take an answer without signatures from then on.
   * @throws DnsError `storage`
   */
  forget(name: DnsName): readonly DnsName[]
}

/**
 * Opens the list, an empty one if there is no file: JSON with `version` 1 and `zones`, mode 0600,
 * replaced in whole. A zone that is new is on disk when {@link SecureNames.add} returns; where that
 * fails it counts all the same, and {@link SecureNamesFile.fault} says so. What another process
 * changed is seen before anything rests on it, so a zone that is forgotten there stays so.
 * @throws DnsError `storage`: a file that cannot be read or has another form, since an attacker who
 * can break it must not make us forget
 */
export function openSecureNames(file: string): SecureNamesFile {
  return new StoredNames(file)
}

class StoredNames implements SecureNamesFile {
  readonly #file: string
  #zones = new Set<DnsName>()
  /** Zones that could not be written yet. */
  readonly #unsaved = new Set<DnsName>()
  #stamp = ''
  #fault: DnsError | undefined

  constructor(file: string) {
    this.#file = file
    this.#load()
  }

  get zones(): readonly DnsName[] {
    return [...this.#zones]
  }

  get fault(): DnsError | undefined {
    return this.#fault
  }

  has(zone: DnsName): boolean {
    if (!this.#zones.has(zone)) return false
    this.#attempt(() => this.#reload())
    return this.#zones.has(zone)
  }

  add(zone: DnsName): void {
    if (this.#zones.has(zone) && this.#fault === undefined) return
    this.#attempt(() => {
      this.#reload()
      if (!this.#zones.has(zone) && this.#zones.size >= SECURE_NAMES_MAX) {
        const limit = `Cannot remember ${zone} as secure: ${SECURE_NAMES_MAX} zones are, the limit`
        throw new DnsError('limit', limit)
      }
      this.#zones.add(zone)
      this.#unsaved.add(zone)
      this.#save()
    })
  }

  forget(name: DnsName): readonly DnsName[] {
    this.#reload()
    const gone = [...this.#zones].filter((zone) => isAtOrBelowName(zone, name))
    if (gone.length === 0) return gone
    for (const zone of gone) {
      this.#zones.delete(zone)
      this.#unsaved.delete(zone)
    }
    this.#save()
    return gone
  }

  /** A full disk must not end lookups: what is in memory counts, and the fault is shown. */
  #attempt(change: () => void): void {
    try {
      change()
      const isWhole = this.#unsaved.size === 0 && this.#zones.size < SECURE_NAMES_MAX
      if (isWhole) this.#fault = undefined
    } catch (cause) {
      if (!(cause instanceof DnsError)) throw cause
      this.#fault = cause
    }
  }

  #reload(): void {
    if (stampOf(this.#file) !== this.#stamp) this.#load()
  }

  #load(): void {
    const stamp = stampOf(this.#file)
    const zones = stamp === '' ? [] : readZones(this.#file)
    this.#zones = new Set([...zones, ...this.#unsaved])
    this.#stamp = stamp
  }

  #save(): void {
    const text = `${JSON.stringify({ version: VERSION, zones: this.zones }, undefined, 1)}\n`
    const temporary = `${this.#file}.${randomBytes(8).toString('hex')}.tmp`
    try {
      const handle = openSync(temporary, 'wx', 0o600)
      try {
        writeSync(handle, text)
        fsyncSync(handle)
      } finally {
        closeSync(handle)
      }
      renameSync(temporary, this.#file)
    } catch (cause) {
      rmSync(temporary, { force: true })
      throw storage(`Cannot write ${this.#file}`, cause)
    }
    this.#unsaved.clear()
    this.#stamp = stampOf(this.#file)
  }
}

/** What differs when a file was replaced; empty if there is none. */
function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw storage(`Cannot read ${file}`, cause)
  }
}

function readZones(file: string): readonly DnsName[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(readBounded(file))
  } catch (cause) {
    throw storage(`Cannot read ${file}`, cause)
  }
  const { version, zones } = (parsed ?? {}) as { version?: unknown; zones?: unknown }
  const isList = Array.isArray(zones) && zones.length <= SECURE_NAMES_MAX
  if (version === VERSION && isList && zones.every(isZone)) return zones
  throw new DnsError('storage', `Cannot read ${file}: it is no list of secure zones, version 1`)
}

function readBounded(file: string): string {
  const handle = openSync(file, 'r')
  try {
    const { size, mode } = fstatSync(handle)
    if ((mode & OTHERS_MAY_WRITE) !== 0 && process.platform !== 'win32') {
      throw new DnsError(
        'storage',
        `Cannot use ${file}: others may change it; run: chmod 600 on it`,
      )
    }
    if (size <= FILE_BYTES_MAX) return readFileSync(handle, 'utf8')
    throw new DnsError('storage', `Cannot read ${file}: ${size} bytes, limit ${FILE_BYTES_MAX}`)
  } finally {
    closeSync(handle)
  }
}

function isZone(value: unknown): value is DnsName {
  return typeof value === 'string' && isDnsName(value)
}

function storage(tried: string, cause: unknown): DnsError {
  if (cause instanceof DnsError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DnsError('storage', `${tried}: ${reason}`, { cause })
}
