import type { Name } from '@ixj/names'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Clock } from '../clock.ts'
import type { History } from '../history/history.ts'
import type { BundleKeeper } from '../history/bundle-keeper.ts'
import type { Origin } from '../history/history-rows.ts'
import type { Topics } from '../host/topics.ts'
import type { Carried } from '../pipeline/carried.ts'
import type { Accepted } from '../pipeline/context.ts'
import type { Decision } from '../pipeline/decision.ts'
import type { Evidence } from '../pipeline/replay.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Presence } from '../presence/presence.ts'
import type { Sync } from './sync.ts'

/** Evidence against a key, and both bundles as they were signed; null where one was not kept. */
export interface KeptEvidence extends Evidence {
  readonly bundles: readonly [Uint8Array | null, Uint8Array | null]
}

/** What a keeper joins. */
interface KeeperContext {
  readonly clock: Clock
  readonly sync: Sync
  readonly presence: Pick<Presence, 'headsChanged'>
  readonly topics: Pick<Topics, 'opened'>
  plain(about: 'history', action: string, topic: string, sender: string, cause: unknown): Decision
  record(decision: Decision): void
}

/** Puts what a node accepts and what its agents send into its history, and tells those who repair. */
export class Keeper implements BundleKeeper {
  readonly history: History
  readonly #context: KeeperContext
  /** A disk that fails is told of once, until it works again. */
  #hasFailed = false

  constructor(context: KeeperContext, history: History) {
    this.#context = context
    this.history = history
  }

  /** An accepted bundle can be repaired from here, and read later. Delivery does not wait for it. */
  keep({ bundle, onBehalfOf }: Accepted, origin: Origin): void {
    const { clock, sync } = this.#context
    if (bundle.header.class === 'state') return
    sync.arrived(bundle.header.topic, bundle.idText)
    const verifiedAt = clock.now()
    const how = { verifiedAt, onBehalfOf, origin, isAwaited: false }
    void this.#guarded(bundle, () => this.history.add(bundle, how))
  }

  /** What cannot be opened here is kept for others: they repair it from here, and nobody reads it. */
  carry({ bundle, onBehalfOf }: Carried): void {
    const { clock, sync } = this.#context
    if (bundle.header.class === 'state') return
    sync.arrived(bundle.header.topic, bundle.idText)
    const how = {
      verifiedAt: clock.now(),
      onBehalfOf,
      origin: 'carried',
      isAwaited: false,
    } as const
    void this.#guarded(bundle, () => this.history.add(bundle, how))
  }

  /** Whether a bundle is kept so. */
  carries(idText: string): boolean {
    return this.history.carries(idText)
  }

  /**
   * An agent here sends a bundle: it can be repaired from here. Resolves when it is stored; requests
   * and answers of class event are stored behind, since it is the answer that is waited for.
   * @throws AgentError `not-stored`
   */
  async send(bundle: Bundle, onBehalfOf: Name): Promise<void> {
    const { clock, sync, presence, topics } = this.#context
    const { header, id } = bundle
    if (header.class === 'state') return
    const verifiedAt = clock.now()
    const opened = topics.opened(header.topic)
    const origin = opened === undefined ? 'sent' : 'own'
    const isAwaited = header.class === 'task' || header.action === 'publish'
    const add = () => this.history.add(bundle, { verifiedAt, onBehalfOf, origin, isAwaited })
    const stored = isAwaited ? add() : void this.#guarded(bundle, add)
    if (opened === 'group') presence.headsChanged(header.topic)
    else if (opened === undefined) sync.sent(header.topic, id)
    await stored
  }

  /** What is known against keys, with both bundles where they are kept. */
  evidenceOf(known: readonly Evidence[]): readonly KeptEvidence[] {
    const kept = new Map(this.history.evidence.map((row) => [row.key, row.bundles]))
    return known.map((each) => ({ ...each, bundles: kept.get(each.key) ?? [null, null] }))
  }

  /** Both bundles of an equivocation are kept, over restarts. */
  async convict(evidence: Evidence, second: Uint8Array): Promise<void> {
    const core = this.#context
    try {
      await this.history.convict(evidence, second)
    } catch (cause) {
      if (!(cause instanceof AgentError)) throw cause
      const [topic = '', sender = ''] = evidence.stream.split('|')
      core.record(core.plain('history', 'convict', topic, sender, cause))
    }
  }

  async #guarded({ header, idText }: Bundle, keep: () => Promise<void>): Promise<void> {
    const core = this.#context
    try {
      await keep()
      this.#hasFailed = false
    } catch (cause) {
      if (!(cause instanceof AgentError)) throw cause
      if (this.#hasFailed) return
      this.#hasFailed = true
      const message = `Cannot keep bundle ${idText}: others have to repair it`
      const refusal = new Refusal('own-fault', message, { cause })
      core.record(core.plain('history', 'keep', header.topic, header.sender, refusal))
    }
  }
}
