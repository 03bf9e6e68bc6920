import {
  decode,
  encode,
  readArray,
  readBytesUpTo,
  readList,
  readName,
  readOneOf,
  readOptional,
  readPattern,
  TrustError,
  type Field,
  type RevokerRight,
  type Value,
} from '@ixj/trust'
import type { Store } from '../host/store.ts'
import { NOTICE_BYTES_MAX, NOTICE_PAGE_BYTES, NOTICE_PAGES_MAX } from '../limits.ts'

/** A notice as it is kept between runs, with the right by which it was taken. */
export interface KeptNotice {
  readonly bytes: Uint8Array
  readonly right: RevokerRight
}

/**
 * What a node remembers of notices between runs, in pages of one small value each. A write follows
 * the one before; what comes meanwhile goes with the next.
 */
export class NoticeStore {
  readonly #store: Store
  readonly #key: string
  /** Encoded entries, by page. */
  readonly #pages: Value[][] = []
  #bytes = 0
  readonly #dirty = new Set<number>()
  #writing: Promise<void> | undefined

  constructor(store: Store, key: string) {
    this.#store = store
    this.#key = key
  }

  /**
   * Reads everything, once, before anything is added.
   * @throws TrustError for a value that cannot be read: a lost revocation is no absent one
   */
  async load(): Promise<readonly KeptNotice[]> {
    const kept: KeptNotice[] = []
    for (let page = 0; page < NOTICE_PAGES_MAX; page++) {
      const bytes = await this.#store.get(`${this.#key}/${page}`)
      if (bytes === undefined) break
      const list = decode(bytes)
      kept.push(...readList(list, 'notices', { itemsMax: Infinity, item: readKept }))
      this.#pages.push([...(list as readonly Value[])])
      this.#bytes = bytes.length
    }
    return kept
  }

  /** Keeps one more. @throws TrustError `store-full` */
  add({ bytes, right }: KeptNotice): void {
    const { reach, root } = right
    const topics = reach.kind === 'granted' ? [...reach.topics] : null
    const entry: Value = [bytes, root, reach.kind, topics]
    const size = encode(entry).length
    if (this.#pages.length === 0 || this.#bytes + size > NOTICE_PAGE_BYTES) {
      if (this.#pages.length >= NOTICE_PAGES_MAX) {
        const limit = `limit ${NOTICE_PAGES_MAX} pages of ${NOTICE_PAGE_BYTES} bytes`
        throw new TrustError('store-full', `Cannot remember another notice: ${limit}`)
      }
      this.#pages.push([])
      this.#bytes = 0
    }
    this.#pages.at(-1)!.push(entry)
    this.#bytes += size
    this.#dirty.add(this.#pages.length - 1)
  }

  /** Puts these in the place of all. */
  replace(kept: readonly KeptNotice[]): void {
    for (const page of this.#pages.keys()) this.#dirty.add(page)
    for (const page of this.#pages) page.length = 0
    const before = this.#pages.splice(0)
    for (const each of kept) this.add(each)
    // Pages that are not needed any more are written empty.
    while (this.#pages.length < before.length) this.#pages.push([])
  }

  /** Writes what changed; resolves when all of it is safe. @throws what the store throws */
  async flush(): Promise<void> {
    while (this.#writing !== undefined || this.#dirty.size > 0) {
      this.#writing ??= this.#write().finally(() => (this.#writing = undefined))
      await this.#writing
    }
  }

  async #write(): Promise<void> {
    const pages = [...this.#dirty]
    for (const page of pages) {
      this.#dirty.delete(page)
      try {
        await this.#store.set(`${this.#key}/${page}`, encode(this.#pages[page] ?? []))
      } catch (cause) {
        this.#dirty.add(page)
        throw cause
      }
    }
  }
}

function readKept(value: Field, what: string): KeptNotice {
  const [bytes, root, kind, topics] = readArray(value, what, 4)
  const reach = readOneOf(kind, 'reach of notice', ['self', 'below', 'granted'])
  const patterns = readOptional(topics, 'topics of notice', (list, place) =>
    readList(list, place, { itemsMax: 32, item: readPattern }),
  )
  return {
    bytes: readBytesUpTo(bytes, 'notice', NOTICE_BYTES_MAX),
    right: {
      root: readName(root, 'root of notice'),
      reach: reach === 'granted' ? { kind: reach, topics: patterns ?? [] } : { kind: reach },
    },
  }
}
