import type { EntryOf, History } from '../history.ts'

/** One life of an agent: on which node, from when until when, and in which groups. */
export interface Life {
  readonly id: string
  readonly agent: string
  readonly node: string
  readonly from: number
  /** Infinity: it was there at the end. */
  until: number
  /** Group to the time when it was joined; left again, it is not in here. */
  readonly joined: Map<string, number>
  /** Groups that it left at some time, whether it came back or not. */
  readonly left: Set<string>
}

/** What was said and who was there, for quick looks. */
export class Lives {
  readonly all = new Map<string, Life>()
  readonly said = new Map<string, EntryOf<'said'>>()
  readonly #revoked = new Map<string, number>()

  constructor(history: History) {
    for (const entry of history.entries) {
      if (entry.kind === 'said') this.said.set(entry.label, entry)
      else if (entry.kind === 'revoked') this.#revoked.set(entry.agent, entry.at)
      else this.#live(entry)
    }
  }

  /** When an agent, or who bore it, was revoked: the word of a sub-agent rests on its parent's key. */
  revokedAt(agent: string): number | undefined {
    for (const [name, at] of this.#revoked) {
      if (agent === name || agent.endsWith(`.${name}`)) return at
    }
    return undefined
  }

  #live(entry: History['entries'][number]): void {
    switch (entry.kind) {
      case 'opened': {
        const { life: id, agent, node, at: from } = entry
        const groups = { joined: new Map<string, number>(), left: new Set<string>() }
        this.all.set(id, { id, agent, node, from, until: Infinity, ...groups })
        return
      }
      case 'ended': {
        const life = this.all.get(entry.life)
        if (life !== undefined) life.until = Math.min(life.until, entry.at)
        return
      }
      case 'joined':
        return void this.all.get(entry.life)?.joined.set(entry.topic, entry.at)
      case 'left':
        this.all.get(entry.life)?.joined.delete(entry.topic)
        this.all.get(entry.life)?.left.add(entry.topic)
        return
      default:
        return
    }
  }
}
