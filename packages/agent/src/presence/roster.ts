import type { Name } from '@ixj/names'
import { SKEW_MS, toHex } from '@ixj/trust'
import { MEMBERS_MAX, PRESENCE_LOST_MS } from '../limits.ts'

/** A member of a group, proved by its statements. */
export interface Member {
  readonly name: Name
  readonly key: Uint8Array
  /** The node that hosts it. */
  readonly node: Name
  /** ms since the Unix epoch, by that node's clock. */
  readonly since: number
  /** Whether it is asked in the group. */
  readonly answers: boolean
}

/** A change of a group's members. */
export interface PresenceChange {
  readonly kind: 'joined' | 'left'
  readonly member: Member
}

/** What an announcement is about: of each kind the newest counts. */
type News = 'members' | 'heads'

interface Heard {
  readonly member: Member
  readonly until: number
}

/** Who is in one group, by what their nodes announced. */
export class Roster {
  readonly #heard = new Map<string, Heard>()
  /** Time of each node key's newest announcement of its members, and of heads: older ones change nothing. */
  readonly #newest = new Map<string, number>()
  readonly #changed: (change: PresenceChange) => void

  constructor(changed: (change: PresenceChange) => void) {
    this.#changed = changed
  }

  /** Everybody who is there. */
  members(): readonly Member[] {
    return [...this.#heard.values()].map((heard) => heard.member)
  }

  /** The node of a member. */
  hostOf(name: Name, key: Uint8Array): Name | undefined {
    return this.#heard.get(keyOf({ name, key }))?.member.node
  }

  /** Whether any member is on that node. */
  hasNode(node: Name): boolean {
    return this.members().some((member) => member.node === node)
  }

  /** Whether an announcement of that node key at that time is news. */
  isNews(nodeKey: Uint8Array, time: number, about: News = 'members'): boolean {
    return time > (this.#newest.get(`${about} ${toHex(nodeKey)}`) ?? -1)
  }

  /**
   * A node's members are exactly these, each at most until its right ends.
   * Members over the limit are left out; those who are there stay.
   */
  announce(
    node: { readonly name: Name; readonly key: Uint8Array },
    told: {
      readonly members: readonly { readonly member: Member; readonly until: number }[]
      /** Claimed too, and not checked in time: they stay as they were. */
      readonly unchecked: readonly Pick<Member, 'name' | 'key'>[]
    },
    at: { readonly time: number; readonly now: number },
  ): void {
    this.#newest.set(`members ${toHex(node.key)}`, at.time)
    const lost = at.now + PRESENCE_LOST_MS
    const checked = new Map(told.members.map((entry) => [keyOf(entry.member), entry]))
    const unchecked = new Set(told.unchecked.map(keyOf))
    for (const [key, heard] of this.#heard) {
      const isTold = checked.has(key) || unchecked.has(key)
      if (heard.member.node === node.name && !isTold) this.#remove(key)
    }
    for (const [key, { member, until }] of checked) {
      const before = this.#heard.get(key)
      if (before === undefined && this.#heard.size >= MEMBERS_MAX) continue
      this.#heard.set(key, { member, until: Math.min(lost, until) })
      if (before === undefined) this.#changed({ kind: 'joined', member })
      else if (before.member.node !== member.node) this.#changed({ kind: 'joined', member })
    }
  }

  /** A node told of heads alone. */
  toldHeads(node: { readonly key: Uint8Array }, time: number): void {
    this.#newest.set(`heads ${toHex(node.key)}`, time)
  }

  /** A node is gone, and its members with it, until it is heard of again. */
  gone(node: Name): void {
    for (const [key, heard] of this.#heard) {
      if (heard.member.node === node) this.#remove(key)
    }
  }

  /** Members that were not heard of, or whose right ended, are gone. */
  sweep(now: number): void {
    for (const [key, heard] of this.#heard) {
      if (heard.until < now) this.#remove(key)
    }
    // Announcements older than the skew are refused by their time.
    for (const [key, time] of this.#newest) {
      if (time < now - 2 * SKEW_MS) this.#newest.delete(key)
    }
  }

  #remove(key: string): void {
    const heard = this.#heard.get(key)
    if (heard === undefined) return
    this.#heard.delete(key)
    this.#changed({ kind: 'left', member: heard.member })
  }
}

function keyOf(member: Pick<Member, 'name' | 'key'>): string {
  return `${member.name}|${toHex(member.key)}`
}
