import type { Name } from '@ixj/names'
import { toHex } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { Peer } from '../transport.ts'
import {
  PULL_ASKED_MAX,
  PULL_LONG_MS,
  PULL_MS,
  PULL_TRIES_MAX,
  PULL_WANTS_MAX,
  SYNC_IDS_MAX,
  SYNC_REFUSED_MAX,
} from './limits.ts'

/** A bundle that is missed, and the neighbours that listed it, with how often each was asked. */
interface Want {
  readonly id: Uint8Array
  readonly tries: Map<Peer, number>
}

/** What one neighbour is asked for at once. */
interface Asking {
  readonly peer: Peer
  readonly left: Set<string>
  /** When it was asked, ms since the Unix epoch. */
  readonly since: number
  /** Something of it was worth nothing. */
  isPoor: boolean
  cancel: () => void
}

interface TopicPulls {
  readonly wants: Map<string, Want>
  /** The one neighbour that is asked now: repaired bundles keep their order so. */
  asking: Asking | undefined
  /** Something came since the topic was last compared. */
  gained: boolean
}

/** What a neighbour listed and has not given. */
interface Account {
  /** How many of the wants count against it. */
  wants: number
  /** Times it did not give, or not in time, what it was asked for, since it last gave all. */
  failures: number
  /** Ids of what has lapsed and it cannot vouch for; the oldest first. */
  readonly refused: Set<string>
  /** What it was asked for, and how often it may still answer: late answers come to each time. */
  readonly asked: Map<string, { readonly topic: Name; times: number }>
}

/** What became of a bundle that a neighbour was asked for. */
export type Outcome = 'accepted' | 'settled' | 'again' | 'worthless' | 'lapsed'

/** How pulling reaches the rest of sync. */
export interface PullsContext {
  readonly clock: Clock
  /** Whether a bundle is here already, or was and had to make room. */
  has(idText: string): boolean
  /** Asks a neighbour. */
  ask(peer: Peer, topic: Name, ids: readonly Uint8Array[]): void
  /** Nothing of a topic is wanted any more, of what neighbours listed; whether anything came. */
  done(topic: Name, gained: boolean): void
}

/**
 * Which bundles are missed, and whom they are asked of: one neighbour at a time for each topic, the
 * one that failed least, three times at most for each id. What a neighbour lists is charged to it.
 */
export class Pulls {
  readonly #context: PullsContext
  readonly #topics = new Map<Name, TopicPulls>()
  readonly #accounts = new Map<Peer, Account>()
  /** Ids that were pulled and are not accepted here, the oldest first. */
  readonly #refused = new Set<string>()

  constructor(context: PullsContext) {
    this.#context = context
  }

  /** A neighbour has these; those that are missed here are asked of it. */
  listed(topic: Name, ids: readonly Uint8Array[], peer: Peer): void {
    const account = this.#account(peer)
    const pulls = this.#pulls(topic)
    for (const id of ids) {
      const idText = toHex(id)
      if (this.#context.has(idText) || this.#refused.has(idText)) continue
      if (account.refused.has(idText)) continue
      let want = pulls.wants.get(idText)
      if (want?.tries.has(peer) === true) continue
      // The rest comes with a later round, when this one is done.
      if (account.wants >= PULL_WANTS_MAX) break
      if (want === undefined) {
        want = { id, tries: new Map() }
        pulls.wants.set(idText, want)
      }
      want.tries.set(peer, 0)
      account.wants += 1
    }
    this.#next(topic, pulls)
  }

  /** The topic for which a neighbour was asked for this bundle; undefined: it was not asked. */
  asked(idText: string, peer: Peer): Name | undefined {
    return this.#accounts.get(peer)?.asked.get(idText)?.topic
  }

  /**
   * A neighbour has answered for a bundle. `settled`: it is accepted, or refused for good; `again`:
   * it may pass later; `worthless`: the neighbour has no copy, or none that is true; `lapsed`: its
   * word for a proof that has lapsed is none, a keeper's may be.
   */
  answered(idText: string, peer: Peer, outcome: Outcome): void {
    const account = this.#accounts.get(peer)
    const asked = account?.asked.get(idText)
    if (account === undefined || asked === undefined) return
    const { topic } = asked
    asked.times -= 1
    if (asked.times === 0) account.asked.delete(idText)
    const pulls = this.#pulls(topic)
    if (outcome === 'accepted') pulls.gained = true
    if (outcome === 'settled') remember(this.#refused, idText, SYNC_REFUSED_MAX)
    if (outcome === 'lapsed') remember(account.refused, idText, PULL_WANTS_MAX)
    const isUseful = outcome === 'accepted' || outcome === 'settled'
    if (isUseful) this.#drop(pulls, idText)
    else if (outcome !== 'again') this.#forsake(pulls, idText, peer)
    const { asking } = pulls
    if (asking?.peer !== peer || !asking.left.delete(idText)) return
    if (!isUseful) asking.isPoor = true
    if (asking.left.size === 0) this.#ended(topic, pulls, asking.isPoor)
    // Only what is worth something buys time: else one useless answer each 2 s would hold up the topic.
    else if (isUseful) this.#goOn(topic, pulls, asking)
  }

  /** A bundle came in another way. */
  arrived(topic: Name, idText: string): void {
    const pulls = this.#topics.get(topic)
    if (pulls?.wants.has(idText) === true) this.#drop(pulls, idText)
  }

  /** A neighbour has gone, or may not repair this topic any more: nothing is asked of it. */
  gone(peer: Peer): void {
    for (const [topic, pulls] of this.#topics) {
      for (const idText of pulls.wants.keys()) this.#forsake(pulls, idText, peer)
      if (pulls.asking?.peer !== peer) continue
      pulls.asking.cancel()
      pulls.asking = undefined
      this.#next(topic, pulls)
    }
    this.#accounts.delete(peer)
  }

  /** Asks nobody any more. */
  close(): void {
    for (const { asking } of this.#topics.values()) asking?.cancel()
    this.#topics.clear()
  }

  #pulls(topic: Name): TopicPulls {
    let pulls = this.#topics.get(topic)
    if (pulls === undefined) {
      pulls = { wants: new Map(), asking: undefined, gained: false }
      this.#topics.set(topic, pulls)
    }
    return pulls
  }

  #account(peer: Peer): Account {
    let account = this.#accounts.get(peer)
    if (account === undefined) {
      account = { wants: 0, failures: 0, refused: new Set(), asked: new Map() }
      this.#accounts.set(peer, account)
    }
    return account
  }

  /** Asks the next neighbour, if none is asked now. */
  #next(topic: Name, pulls: TopicPulls): void {
    if (pulls.asking !== undefined) return
    const peer = this.#choose(pulls)
    if (peer === undefined) {
      const { gained } = pulls
      this.#topics.delete(topic)
      this.#context.done(topic, gained)
      return
    }
    const account = this.#account(peer)
    const since = this.#context.clock.now()
    const ids: Uint8Array[] = []
    const left = new Set<string>()
    for (const [idText, want] of pulls.wants) {
      const tries = want.tries.get(peer)
      if (tries === undefined || tries >= PULL_TRIES_MAX) continue
      want.tries.set(peer, tries + 1)
      ids.push(want.id)
      left.add(idText)
      const { times } = account.asked.get(idText) ?? { times: 0 }
      account.asked.set(idText, { topic, times: times + 1 })
      if (ids.length === SYNC_IDS_MAX) break
    }
    trim(account.asked, 2 * PULL_ASKED_MAX)
    pulls.asking = { peer, left, since, isPoor: false, cancel: () => {} }
    this.#watch(topic, pulls, pulls.asking)
    this.#context.ask(peer, topic, ids)
  }

  /** Of all neighbours that list anything the one that failed least; of these, who lists the longest missed. */
  #choose(pulls: TopicPulls): Peer | undefined {
    let best: { readonly peer: Peer; readonly failures: number } | undefined
    for (const [idText, want] of pulls.wants) {
      for (const [peer, tries] of want.tries) {
        if (tries >= PULL_TRIES_MAX) {
          this.#forsake(pulls, idText, peer)
          continue
        }
        const { failures } = this.#account(peer)
        if (failures === 0) return peer
        if (best === undefined || failures < best.failures) best = { peer, failures }
      }
    }
    return best?.peer
  }

  /** A neighbour that gives goes on; one that gives slowly only where no other has what is left. */
  #goOn(topic: Name, pulls: TopicPulls, asking: Asking): void {
    const isLong = this.#context.clock.now() >= asking.since + PULL_LONG_MS
    const { peer, left } = asking
    const hasOther = () =>
      [...left].some((idText) =>
        [...(pulls.wants.get(idText)?.tries.keys() ?? [])].some((other) => other !== peer),
      )
    if (isLong && hasOther()) this.#ended(topic, pulls, true)
    else this.#watch(topic, pulls, asking)
  }

  #watch(topic: Name, pulls: TopicPulls, asking: Asking): void {
    const { clock } = this.#context
    asking.cancel()
    asking.cancel = clock.at(clock.now() + PULL_MS, () => this.#ended(topic, pulls, true))
  }

  /** What was asked of a neighbour has come, or it has failed: the next one is asked. */
  #ended(topic: Name, pulls: TopicPulls, hasFailed: boolean): void {
    const { asking } = pulls
    if (asking === undefined) return
    asking.cancel()
    const account = this.#account(asking.peer)
    account.failures = hasFailed ? account.failures + 1 : 0
    pulls.asking = undefined
    this.#next(topic, pulls)
  }

  #drop(pulls: TopicPulls, idText: string): void {
    const want = pulls.wants.get(idText)
    pulls.wants.delete(idText)
    for (const peer of want?.tries.keys() ?? []) this.#account(peer).wants -= 1
  }

  /** This neighbour is not asked for it again; without any other it is given up, until it is listed anew. */
  #forsake(pulls: TopicPulls, idText: string, peer: Peer): void {
    const want = pulls.wants.get(idText)
    if (want?.tries.delete(peer) !== true) return
    this.#account(peer).wants -= 1
    if (want.tries.size === 0) pulls.wants.delete(idText)
  }
}

/** Keeps an id; the oldest goes when there are too many. */
function remember(ids: Set<string>, idText: string, max: number): void {
  ids.add(idText)
  const oldest = ids.values().next()
  if (ids.size > max && oldest.done !== true) ids.delete(oldest.value)
}

function trim(map: Map<string, unknown>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= max) return
    map.delete(oldest)
  }
}
