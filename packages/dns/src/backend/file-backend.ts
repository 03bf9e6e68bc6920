import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  DnsError,
  formatZone,
  parseZone,
  ZONE_TEXT_MAX,
  type DnsName,
  type DnsRecord,
} from '../proof.ts'
import { FILE_CHANGES_WAITING_MAX } from './limits.ts'
import { checkEdits } from './owner-records.ts'
import type { ZoneBackend, ZoneCondition, ZoneEdit } from './zone-backend.ts'
import { ZoneRecords } from './zone-records.ts'

/** A zone in a file that a person uploads to, or pastes into, managed DNS. */
export interface FileBackendOptions {
  readonly zone: DnsName
  /** The path of the zone file. */
  readonly file: string
  /** What a new file begins with, an SOA and NS at least; left out: the file has to be there. */
  readonly initial?: readonly DnsRecord[]
}

const NEW_FILE_MODE = 0o644

/**
 * Keeps a zone in a file, for one process at a time. Each change reads the file, so a person may
 * edit it in between, and replaces it in whole: after a crash or on a full disk the old file stands.
 * Comments and order are not kept. A file that cannot be read as this zone, unsigned, is refused
 * and not touched.
 * @throws DnsError `storage`
 */
export async function openFileBackend(options: FileBackendOptions): Promise<ZoneBackend> {
  const backend = new FileBackend(options)
  const { initial } = options
  if (initial !== undefined && !(await backend.exists())) await backend.create(initial)
  await backend.list()
  return backend
}

class FileBackend implements ZoneBackend {
  readonly zone: DnsName
  readonly #file: string
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor({ zone, file }: FileBackendOptions) {
    this.zone = zone
    this.#file = file
  }

  async exists(): Promise<boolean> {
    return await stat(this.#file).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') return false
        throw this.#error('look at', cause)
      },
    )
  }

  async create(records: readonly DnsRecord[]): Promise<void> {
    await this.#write(this.#file, new ZoneRecords(this.zone, records), NEW_FILE_MODE)
  }

  async apply(
    edits: readonly ZoneEdit[],
    options: { readonly conditions?: readonly ZoneCondition[]; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { conditions = [], signal } = options
    signal?.throwIfAborted()
    checkEdits(this.zone, edits, conditions)
    await this.#inTurn(async () => {
      signal?.throwIfAborted()
      const records = await this.#read()
      for (const condition of conditions) records.check(condition)
      if (edits.length === 0) return
      records.edit(edits)
      const file = await realpath(this.#file)
      const { mode } = await stat(file)
      await this.#write(file, records, mode & 0o777)
    })
  }

  async list(options: { readonly signal?: AbortSignal } = {}): Promise<readonly DnsRecord[]> {
    options.signal?.throwIfAborted()
    return (await this.#read()).all()
  }

  /** One change after the other: each sees the file as the one before left it. */
  async #inTurn(change: () => Promise<void>): Promise<void> {
    if (this.#waiting >= FILE_CHANGES_WAITING_MAX) {
      const why = `${FILE_CHANGES_WAITING_MAX} changes wait, the limit`
      throw new DnsError('limit', `Cannot change ${this.zone}: ${why}`)
    }
    this.#waiting++
    const done = this.#last.then(change)
    this.#last = done.catch(() => {
      // Whoever made the change gets its error; the next one goes on.
    })
    try {
      await done
    } finally {
      this.#waiting--
    }
  }

  async #read(): Promise<ZoneRecords> {
    try {
      const { size } = await stat(this.#file)
      if (size > ZONE_TEXT_MAX) {
        throw new DnsError('limit', `Cannot read ${size} bytes, limit ${ZONE_TEXT_MAX}`)
      }
      const text = await readFile(this.#file, 'utf8')
      return new ZoneRecords(this.zone, parseZone(text, { origin: this.zone }))
    } catch (cause) {
      throw this.#error('read', cause)
    }
  }

  /** A new file beside the old one, on disk before it takes its place. */
  async #write(file: string, records: ZoneRecords, mode: number): Promise<void> {
    const folder = dirname(file)
    const temporary = join(folder, `.${basename(file)}.${process.pid}.new`)
    try {
      const text = formatZone(records.all(), { origin: this.zone })
      if (text.length > ZONE_TEXT_MAX) {
        throw new DnsError('limit', `Cannot keep ${text.length} bytes, limit ${ZONE_TEXT_MAX}`)
      }
      try {
        await writeThrough(temporary, text, mode)
        await rename(temporary, file)
      } catch (cause) {
        await rm(temporary, { force: true })
        throw cause
      }
      await syncFolder(folder)
    } catch (cause) {
      throw this.#error('write', cause)
    }
  }

  #error(tried: string, cause: unknown): Error {
    if (!(cause instanceof Error)) return new Error(String(cause))
    const code = (cause as NodeJS.ErrnoException).code
    if (!(cause instanceof DnsError) && code === undefined) return cause
    const why = cause instanceof DnsError ? cause.message : code
    return new DnsError('storage', `Cannot ${tried} ${this.#file}: ${why}`, { cause })
  }
}

async function writeThrough(path: string, text: string, mode: number): Promise<void> {
  // Whatever stands there, left by a crash or put there as a link, is not written to.
  await rm(path, { force: true })
  const handle = await open(path, 'wx', mode)
  try {
    await handle.chmod(mode)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The new name itself has to be on disk; Windows cannot open folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
