import type { LogFile, LogFileName, LogFiles } from '../../packages/node/src/audit/log-files.ts'

/** What a disk writes at once, or does not. */
const SECTOR_BYTES = 512

type Operation =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }

interface Content {
  /** What readers see. */
  current: Uint8Array
  /** What is on the disk for certain. */
  durable: Uint8Array
  /** What was done since. */
  pending: Operation[]
}

/** What may go wrong with one operation. */
export type Trouble = 'disk-full' | 'io-error'

/**
 * A file layer in memory that loses power. What was not synced survives a cut in part: each sector
 * of each write by chance, whole, torn or not at all, and so does the cutting off of a file. A sync
 * that failed leaves what it should have written in doubt for good, as kernels do.
 */
export class SimulatedDisk implements LogFiles {
  readonly #random: () => number
  readonly #contents = new Map<LogFileName, Content>()
  #operationsLeft = Infinity
  #generation = 0
  /** Asked before each operation: whether it fails. */
  trouble: (operation: string) => Trouble | undefined = () => undefined
  /** Bytes that all files may have together. */
  bytesMax = Infinity
  /** How many syncs there were. */
  syncs = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** Whether the power is on. */
  get isOn(): boolean {
    return this.#operationsLeft > 0
  }

  /** Takes the power away after so many more operations; those that come then never end. */
  failAfter(operations: number): void {
    this.#operationsLeft = operations
  }

  /** Gives the power back: what of the unsynced was written is decided by chance. */
  restart(): void {
    // How much survives differs from cut to cut: nothing, all, or a part.
    const part = [0, 0.1, 0.5, 0.9, 1][Math.floor(this.#random() * 5)]!
    for (const content of this.#contents.values()) {
      for (const operation of content.pending) this.#applyInPart(content, operation, part)
      content.current = content.durable.slice()
      content.pending = []
    }
    this.#generation += 1
    this.#operationsLeft = Infinity
  }

  /** The bytes of a file, as readers see them. */
  bytes(name: LogFileName): Uint8Array {
    return this.#contents.get(name)?.current ?? new Uint8Array()
  }

  /** Changes the bytes of a file, as somebody does who has the disk in his hands. */
  tamper(name: LogFileName, change: (bytes: Uint8Array) => Uint8Array): void {
    const content = this.#contentOf(name)
    content.current = change(content.current.slice())
    content.durable = content.current.slice()
    content.pending = []
  }

  async open(name: LogFileName): Promise<LogFile> {
    await this.#step('open', this.#generation)
    const content = this.#contentOf(name)
    const generation = this.#generation
    return {
      size: async () => {
        await this.#step('size', generation)
        return content.current.length
      },
      read: async (offset, length) => {
        await this.#step('read', generation)
        return content.current.slice(offset, offset + length)
      },
      write: async (offset, bytes) => {
        await this.#step('write', generation)
        this.#write(content, offset, bytes)
      },
      truncate: async (size) => {
        await this.#step('truncate', generation)
        this.#do(content, { kind: 'truncate', size })
      },
      sync: async () => {
        try {
          await this.#step('sync', generation)
        } catch (cause) {
          for (const operation of content.pending) this.#applyInPart(content, operation, 0.5)
          content.pending = []
          throw cause
        }
        this.syncs += 1
        for (const operation of content.pending)
          content.durable = applied(content.durable, operation)
        content.pending = []
      },
      close: async () => {
        await this.#step('close', generation)
      },
    }
  }

  #contentOf(name: LogFileName): Content {
    let content = this.#contents.get(name)
    if (content === undefined) {
      content = { current: new Uint8Array(), durable: new Uint8Array(), pending: [] }
      this.#contents.set(name, content)
    }
    return content
  }

  /** One operation, if there is power; it ends some turns later, or never. */
  async #step(operation: string, generation: number): Promise<void> {
    if (generation !== this.#generation || this.#operationsLeft <= 0) return await forever()
    this.#operationsLeft -= 1
    for (let turns = Math.floor(this.#random() * 4); turns > 0; turns--) await Promise.resolve()
    if (generation !== this.#generation || this.#operationsLeft <= 0) return await forever()
    const trouble = this.trouble(operation)
    if (trouble !== undefined) throw systemError(trouble === 'disk-full' ? 'ENOSPC' : 'EIO')
  }

  #write(content: Content, offset: number, bytes: Uint8Array): void {
    const used = [...this.#contents.values()]
      .filter((each) => each !== content)
      .reduce((sum, { current }) => sum + current.length, 0)
    const room = Math.max(0, this.bytesMax - used - offset)
    this.#do(content, { kind: 'write', offset, bytes: bytes.slice(0, room) })
    if (bytes.length > room) throw systemError('ENOSPC')
  }

  #do(content: Content, operation: Operation): void {
    content.current = applied(content.current, operation)
    content.pending.push(operation)
  }

  #applyInPart(content: Content, operation: Operation, part: number): void {
    if (operation.kind === 'truncate') {
      if (this.#random() < part) content.durable = applied(content.durable, operation)
      return
    }
    const { offset, bytes } = operation
    for (let start = 0; start < bytes.length;) {
      const room = SECTOR_BYTES - ((offset + start) % SECTOR_BYTES)
      const end = Math.min(bytes.length, start + room)
      if (this.#random() < part) {
        const torn = this.#random() < 0.2
        const last = torn ? start + Math.floor(this.#random() * (end - start)) : end
        const sector = { kind: 'write', offset: offset + start, bytes: bytes.slice(start, last) }
        content.durable = applied(content.durable, sector as Operation)
      }
      start = end
    }
  }
}

function applied(bytes: Uint8Array, operation: Operation): Uint8Array {
  if (operation.kind === 'truncate') {
    const cut = new Uint8Array(operation.size)
    cut.set(bytes.subarray(0, operation.size))
    return cut
  }
  const { offset } = operation
  if (operation.bytes.length === 0) return bytes
  const written = new Uint8Array(Math.max(bytes.length, offset + operation.bytes.length))
  written.set(bytes)
  written.set(operation.bytes, offset)
  return written
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: the simulated disk refuses`), { code })
}

function forever(): Promise<never> {
  return new Promise(() => {})
}
