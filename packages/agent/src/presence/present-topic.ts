import type { Name } from '@ixj/names'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import type { Queue } from '../queue.ts'
import type { PresentMember } from './announcement.ts'
import { Echoes } from './echoes.ts'
import { Handing, type HandingContext } from './handing.ts'
import { Hearing, type HearingContext } from './hearing.ts'
import { PRESENCE_OFTEN_NODES_MAX } from './limits.ts'
import { Roster, type PresenceChange } from './roster.ts'

/** A member here, and the proof of all that it claims as it was first made. */
interface LocalMember {
  readonly member: PresentMember
  readonly known: KnownProof
}

/** A group that is open here: who is in it, and when members here are told of next. */
export interface PresentTopic {
  readonly local: Map<string, LocalMember>
  readonly roster: Roster
  readonly watchers: Set<Queue<PresenceChange>>
  cancel: (() => void) | undefined
  due: number
  /** Whether members here came or went since all were told. */
  isNews: boolean
  /** Ends the wait for an announcement of heads. */
  cancelHeads: (() => void) | undefined
  /** Time of our last announcement: each is later than the one before, or it would be no news. */
  toldAt: number
  readonly hearing: Hearing
  readonly handing: Handing
  readonly echoes: Echoes
  /** Whether it is heard for others too. */
  listens: boolean
}

/** A group that nobody is known to be in yet. */
export function openTopic(
  name: Name,
  context: HearingContext & HandingContext & { told(topic: Name, change: PresenceChange): void },
): PresentTopic {
  const watchers = new Set<Queue<PresenceChange>>()
  const roster = new Roster((change) => {
    context.told(name, change)
    for (const watcher of watchers) watcher.push(change)
  })
  return {
    local: new Map(),
    roster,
    watchers,
    cancel: undefined,
    cancelHeads: undefined,
    due: Infinity,
    isNews: true,
    toldAt: 0,
    hearing: new Hearing(roster, context),
    handing: new Handing(name, context),
    echoes: new Echoes(),
    listens: false,
  }
}

/** Nothing is told or handed on any more; watchers end. */
export function endTopic(topic: PresentTopic): void {
  topic.cancel?.()
  topic.cancelHeads?.()
  topic.handing.close()
  for (const watcher of topic.watchers) watcher.close()
}

/**
 * Whether there are so many nodes that who comes is handed what others heard. In a smaller group all say
 * that they are here, by which they measure their clocks as well.
 */
export function isLarge({ roster }: PresentTopic): boolean {
  return roster.nodes > PRESENCE_OFTEN_NODES_MAX
}
