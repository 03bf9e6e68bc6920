import { Queue } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { DnsError } from '../proof.ts'
import { NAMESPACE_EVENTS_MAX, NAMESPACE_READERS_MAX } from './limits.ts'

/** What happened to the names of a namespace; times in ms, `endsAt` null for no end. */
export type NamespaceEvent =
  | { readonly kind: 'published'; readonly name: Name; readonly endsAt: number | null }
  | { readonly kind: 'renewed'; readonly name: Name; readonly endsAt: number | null }
  /** The next key is in the zone; it counts, and is to be signed with, from `switchAt` on. */
  | {
      readonly kind: 'rotating'
      readonly name: Name
      readonly nextKey: Uint8Array
      readonly replaces: Uint8Array
      readonly switchAt: number
      readonly dropAt: number
    }
  /** The next key counts everywhere; the old one stays until `dropAt`. */
  | {
      readonly kind: 'switched'
      readonly name: Name
      readonly key: Uint8Array
      readonly dropAt: number
    }
  /** The old key is out of the zone, and its removal reported. */
  | {
      readonly kind: 'rotated'
      readonly name: Name
      readonly key: Uint8Array
      readonly removed: Uint8Array
    }
  | { readonly kind: 'lease-ending'; readonly name: Name; readonly endsAt: number }
  | { readonly kind: 'lease-ended'; readonly name: Name }
  | { readonly kind: 'suspended'; readonly name: Name }
  | { readonly kind: 'resumed'; readonly name: Name; readonly endsAt: number | null }
  | { readonly kind: 'removed'; readonly name: Name }
  /** A change was not made. `retryAt` is null if it was given up, and the zone is as before. */
  | {
      readonly kind: 'failed'
      readonly name: Name | null
      readonly what: string
      readonly error: unknown
      readonly retryAt: number | null
    }
  /** This reader was too slow, and missed as many events here. */
  | { readonly kind: 'lost'; readonly count: number }

/** Events of a namespace for one reader; disposing of it ends it. */
export interface NamespaceEvents extends AsyncIterable<NamespaceEvent>, AsyncDisposable {
  /** Events that this reader missed so far. */
  readonly lost: number
}

/** How a reader of events wants them. */
export interface EventsOptions {
  /** Events that may wait before the oldest is lost; default {@link NAMESPACE_EVENTS_MAX}. */
  readonly queueMax?: number
  /** Ends the reading. */
  readonly signal?: AbortSignal
}

/** Hands every event to every reader. */
export class EventReaders {
  readonly #queues = new Set<Queue<NamespaceEvent>>()

  emit(event: NamespaceEvent): void {
    for (const queue of this.#queues) queue.push(event)
  }

  /** @throws DnsError `limit` for too many readers at once */
  open(options: EventsOptions = {}): NamespaceEvents {
    if (this.#queues.size >= NAMESPACE_READERS_MAX) {
      throw new DnsError('limit', `Cannot read events: ${NAMESPACE_READERS_MAX} readers, the limit`)
    }
    const { queueMax = NAMESPACE_EVENTS_MAX, signal } = options
    const queue = new Queue<NamespaceEvent>(queueMax, {
      ...(signal === undefined ? {} : { signal }),
      onClose: () => this.#queues.delete(queue),
    })
    // An aborted signal has closed it before it was here.
    if (signal?.aborted !== true) this.#queues.add(queue)
    return new Reader(queue)
  }

  /** Ends all readers: what waits can still be read. */
  close(): void {
    for (const queue of this.#queues) queue.close()
  }
}

class Reader implements NamespaceEvents {
  readonly #queue: Queue<NamespaceEvent>

  constructor(queue: Queue<NamespaceEvent>) {
    this.#queue = queue
  }

  get lost(): number {
    return this.#queue.lost
  }

  async *[Symbol.asyncIterator](): AsyncIterator<NamespaceEvent, undefined> {
    let told = 0
    try {
      for (;;) {
        const next = await this.#queue.take()
        const { lost } = this.#queue
        // The oldest went first, so what is missing stood before this one.
        if (lost > told) yield { kind: 'lost', count: lost - told }
        told = lost
        if (next.done === true) return undefined
        yield next.value
      }
    } finally {
      this.#queue.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.close()
  }
}
