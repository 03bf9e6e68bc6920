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
  #size = 0
  readonly #dirty = new Set<number>()
  #writing: Promise<void> | undefined

  constructor(store: Store, key: string) {
    this.#store = store
    this.#key = key
  }

  /** How many are kept, ended ones counted. */
  get size(): number {
    return this.#size
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
      if (this.#pages.at(-1)!.length > 0) this.#bytes = bytes.length
    }
    // Pages that a shorter list left over take new ones again.
    while (this.#pages.at(-1)?.length === 0) this.#pages.pop()
    this.#size = kept.length
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
    this.#size += 1
    this.#dirty.add(this.#pages.length - 1)
  }

  /** Puts these in the place of all. Pages that are not needed any more are written empty. */
  replace(kept: readonly KeptNotice[]): void {
    for (const page of this.#pages.keys()) this.#dirty.add(page)
    this.#pages.length = 0
    this.#size = 0
    for (const each of kept) this.add(each)
  }

  /** Writes what changed; resolves when all of it is safe. @throws what the store throws */
  async flush(): Promise<void> {
    while (this.#writing !== undefined || this.#dirty.size > 0) {
      this.#writing ??= this.#write().finally(() => (this.#writing = undefined))
      await this.#writing
    }
  }

  async #write(): Promise<void> {
    // Rising: what moved to a page before its own is there before its own is written over.
    const pages = [...this.#dirty].toSorted((left, right) => left - right)
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
