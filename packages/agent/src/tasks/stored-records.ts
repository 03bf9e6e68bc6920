import {
  decode,
  encode,
  fromHex,
  readArray,
  readBytes,
  readBytesUpTo,
  readList,
  toHex,
} from '@ixj/trust'
import { memoryStore, type Store } from '../host/store.ts'
import { TASK_PAGE_BYTES, TASK_PAGES_MAX, TASK_RECORD_BYTES_MAX } from '../limits.ts'
import { taskPageKey, type KeptTasks } from './task-records.ts'

interface Page {
  readonly records: Map<string, Uint8Array>
  bytes: number
  /** The write that has not begun yet: what changes meanwhile goes with it. */
  next: Promise<void> | undefined
  /** Ends when the write that is under way has ended, well or not. */
  last: Promise<void>
}

/** What a record costs beside its bytes: its id, and the array around both. */
const RECORD_OVERHEAD_BYTES = 48

/**
 * Records of tasks in a node's store, by the id of their bundle: pages of one value each, filled to
 * 56 KiB, or with one larger record. A page that changes while it is written is written once more
 * for all that changed.
 */
export class StoredRecords {
  readonly #store: Store
  readonly #key: string
  readonly #pages: Page[]
  /** So many pages are in the store: they are read again up to the first that is not there. */
  #stored: number
  readonly #pageOf = new Map<string, Page>()

  /** Use {@link openStoredRecords}. */
  constructor(store: Store, key: string, pages: readonly Map<string, Uint8Array>[]) {
    this.#store = store
    this.#key = key
    this.#pages = pages.map((records) => ({
      records,
      bytes: bytesOf(records),
      next: undefined,
      last: Promise.resolve(),
    }))
    this.#stored = pages.length
    for (const page of this.#pages) {
      for (const idText of page.records.keys()) this.#pageOf.set(idText, page)
    }
  }

  /** Every record, by the id of its bundle in hex. */
  *entries(): Generator<readonly [string, Uint8Array]> {
    for (const { records } of this.#pages) yield* records
  }

  /** The record of a bundle. */
  get(idText: string): Uint8Array | undefined {
    return this.#pageOf.get(idText)?.records.get(idText)
  }

  /** Whether there is room for one more of that size. */
  hasRoom(bytes: number): boolean {
    if (bytes > TASK_RECORD_BYTES_MAX) return false
    return this.#pages.length < TASK_PAGES_MAX || this.#pages.some((page) => fits(page, bytes))
  }

  /**
   * Keeps a record, or what it has become; resolves when that is safe.
   * @throws what the store throws: the record is gone then, or as it was
   */
  async set(idText: string, record: Uint8Array): Promise<void> {
    const before = this.get(idText)
    const page = this.#pageOf.get(idText) ?? this.#roomyPage(record.length)
    this.#put(page, idText, record)
    try {
      await this.#save(page)
    } catch (cause) {
      if (page.records.get(idText) === record) {
        if (before === undefined) this.#take(page, idText)
        else this.#put(page, idText, before)
      }
      throw cause
    }
  }

  /** Forgets a record. The store forgets it with the page's next write: it has ended anyway. */
  delete(idText: string): void {
    const page = this.#pageOf.get(idText)
    if (page !== undefined) this.#take(page, idText)
  }

  /** Forgets a record; resolves when it will not be there after a restart. @throws what the store throws */
  async remove(idText: string): Promise<void> {
    const page = this.#pageOf.get(idText)
    if (page === undefined) return
    this.#take(page, idText)
    await this.#save(page)
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#pages.map(({ last }) => last))
  }

  #put(page: Page, idText: string, record: Uint8Array): void {
    this.#take(page, idText)
    page.records.set(idText, record)
    page.bytes += record.length + RECORD_OVERHEAD_BYTES
    this.#pageOf.set(idText, page)
  }

  #take(page: Page, idText: string): void {
    const record = page.records.get(idText)
    if (record === undefined) return
    page.records.delete(idText)
    page.bytes -= record.length + RECORD_OVERHEAD_BYTES
    this.#pageOf.delete(idText)
  }

  #roomyPage(bytes: number): Page {
    const found = this.#pages.find((page) => fits(page, bytes))
    if (found !== undefined) return found
    const page: Page = { records: new Map(), bytes: 0, next: undefined, last: Promise.resolve() }
    this.#pages.push(page)
    return page
  }

  #save(page: Page): Promise<void> {
    if (page.next !== undefined) return page.next
    const write = this.#write(page, page.last)
    page.next = write
    page.last = write.catch(() => {
      // Whoever made the change is told; the next write has nothing to do with it.
    })
    return write
  }

  async #write(page: Page, before: Promise<void>): Promise<void> {
    await before
    page.next = undefined
    const index = this.#pages.indexOf(page)
    // The one before may have failed: whatever it has now, it has to be there.
    if (index > this.#stored) await this.#save(this.#pages[index - 1]!)
    const list = [...page.records].map(([idText, record]) => [fromHex(idText), record])
    const key = taskPageKey(this.#key, index)
    await this.#store.set(key, encode(list, { bytesMax: TASK_RECORD_BYTES_MAX + TASK_PAGE_BYTES }))
    this.#stored = Math.max(this.#stored, index + 1)
  }
}

function fits(page: Page, bytes: number): boolean {
  return page.bytes === 0 || page.bytes + bytes + RECORD_OVERHEAD_BYTES <= TASK_PAGE_BYTES
}

function bytesOf(records: ReadonlyMap<string, Uint8Array>): number {
  let bytes = 0
  for (const record of records.values()) bytes += record.length + RECORD_OVERHEAD_BYTES
  return bytes
}

/**
 * The records that a store keeps; `null` for an agent whose key goes with it: they last as long as it
 * is open.
 * @throws TrustError `encoding`, `form` for a store that is damaged: nothing is guessed
 */
export async function openStoredRecords(kept: KeptTasks | null): Promise<StoredRecords> {
  if (kept === null) return new StoredRecords(memoryStore(), 'tasks', [])
  const { store, key } = kept
  const pages: Map<string, Uint8Array>[] = []
  for (let page = 0; page < TASK_PAGES_MAX; page++) {
    const bytes = await store.get(taskPageKey(key, page))
    if (bytes === undefined) break
    pages.push(readPage(bytes))
  }
  return new StoredRecords(store, key, pages)
}

function readPage(bytes: Uint8Array): Map<string, Uint8Array> {
  const bytesMax = TASK_RECORD_BYTES_MAX + TASK_PAGE_BYTES
  const entries = readList(decode(bytes, { bytesMax }), 'tasks', {
    itemsMax: Infinity,
    item: (field, what) => {
      const [id, record] = readArray(field, what, 2)
      return [
        toHex(readBytes(id, `id of ${what}`)),
        readBytesUpTo(record, `record of ${what}`, TASK_RECORD_BYTES_MAX),
      ] as const
    },
  })
  return new Map(entries)
}
