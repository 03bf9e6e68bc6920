import type { Code, MessageClass, Verdict } from '@ixj/agent'

/** A task in the hands of one life of an agent. */
interface Handing {
  readonly label: string
  readonly by: string
  readonly life: string
  readonly attempt: number
}

/** What happened in a run, as an observer with the true time saw it; labels say which message. */
export type HistoryEntry = { readonly at: number } & (
  | {
      /** An agent began to send. */
      readonly kind: 'said'
      readonly label: string
      readonly body: string
      readonly by: string
      readonly life: string
      readonly topic: string
      readonly action: 'publish' | 'request' | 'task'
      readonly to: readonly string[] | null
      readonly lifespanMs: number
      /** Where several were signed for one place of a stream: at each node one of them counts. */
      readonly place?: string
    }
  /** What came of it: how many nodes, or the code of the failure. */
  | {
      readonly kind: 'handed'
      readonly label: string
      readonly id: string
      readonly peers: number
      /** Of a task: who has to do it. */ readonly expected: readonly string[]
    }
  | { readonly kind: 'unsaid'; readonly label: string; readonly code: string }
  /** Everything that one waited for with a request has come, or its time is over. */
  | { readonly kind: 'done'; readonly label: string }
  | {
      /** An agent was given a message. */
      readonly kind: 'heard'
      readonly label: string
      readonly body: string
      readonly by: string
      readonly life: string
      readonly sender: string
      readonly topic: string
      readonly class: MessageClass
      readonly id: string
      readonly gap: number
      readonly late: boolean
      /** Of the receiver's clock. */
      readonly localTime: number
    }
  /** An agent was handed a task for the so-manieth time, and later said that it is done. */
  | ({ readonly kind: 'took' } & Handing)
  | ({ readonly kind: 'did' } & Handing)
  /** Shared state of a group as a member sees it, at the end. */
  | {
      readonly kind: 'digest'
      readonly life: string
      readonly topic: string
      readonly digest: string
      readonly registers: number
    }
  /** A reader lost messages of its own queue. */
  | { readonly kind: 'lost'; readonly by: string; readonly life: string; readonly count: number }
  /** An agent opened, or its life ended. */
  | {
      readonly kind: 'opened'
      readonly agent: string
      readonly node: string
      readonly life: string
    }
  | { readonly kind: 'ended'; readonly life: string }
  | { readonly kind: 'joined'; readonly life: string; readonly topic: string }
  | { readonly kind: 'left'; readonly life: string; readonly topic: string }
  /** What an agent's name or key has: until when it holds, by true time. */
  | { readonly kind: 'bound'; readonly agent: string; readonly notAfter: number }
  | { readonly kind: 'revoked'; readonly agent: string; readonly node: string }
  /** A node decided about a bundle, and recorded something about one. */
  | {
      readonly kind: 'decided'
      readonly node: string
      readonly verdict: Verdict
      readonly code: Code | null
      readonly id: string | null
      readonly messages: readonly string[]
    }
  | {
      readonly kind: 'recorded'
      readonly node: string
      readonly code: string | null
      readonly id: string | null
      readonly count: number
    }
  /** Who a member thinks is in its group, at the end. */
  | {
      readonly kind: 'roster'
      readonly life: string
      readonly topic: string
      readonly members: readonly string[]
    }
  /** An answer came. */
  | {
      readonly kind: 'answered'
      readonly label: string
      readonly by: string
      readonly body: string
    }
  /** Trouble, and attacks. */
  | { readonly kind: 'trouble'; readonly what: string; readonly nodes: readonly string[] }
  | { readonly kind: 'healed' }
  /** Something threw that nobody should have to expect. */
  | { readonly kind: 'broken'; readonly what: string }
)

export type EntryOf<Kind extends HistoryEntry['kind']> = Extract<
  HistoryEntry,
  { readonly kind: Kind }
>

type Told = HistoryEntry extends infer Entry
  ? Entry extends HistoryEntry
    ? Omit<Entry, 'at'>
    : never
  : never

/** The record of one run, in the order in which things happened. */
export class History {
  readonly entries: HistoryEntry[] = []
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  add(entry: Told): void {
    this.entries.push({ at: this.#now(), ...entry })
  }

  /** Notes what fails of work that nobody awaits. */
  watch(work: Promise<unknown>): void {
    work.catch((cause: unknown) => this.add({ kind: 'broken', what: reasonOf(cause) }))
  }

  /** All entries of one kind. */
  of<Kind extends HistoryEntry['kind']>(kind: Kind): readonly EntryOf<Kind>[] {
    return this.entries.filter((entry): entry is EntryOf<Kind> => entry.kind === kind)
  }
}

/** The error with the places that it came through. */
function reasonOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
