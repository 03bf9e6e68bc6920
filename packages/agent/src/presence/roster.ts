import type { Name } from '@ixj/names'
import { SKEW_MS, toHex } from '@ixj/trust'
import { MEMBERS_MAX } from '../limits.ts'
import type { Explicable } from '../pipeline/grounds.ts'
import { PRESENCE_JITTER, PRESENCE_LOST_GAPS, PRESENCE_LOST_MS, PRESENCE_MS_MAX } from './limits.ts'
import { longestPauseMs } from './pace.ts'

/** A member of a group, proved by its statements, by which `explanationOf` says why it is there. */
export interface Member extends Explicable {
  readonly name: Name
  readonly key: Uint8Array
  /** The node that hosts it. */
  readonly node: Name
  /** ms since the Unix epoch, by that node's clock. */
  readonly since: number
  /** Whether it is asked in the group. */
  readonly answers: boolean
  /** Id of the proof of its name, its rights, and that its node may host it. */
  readonly proof: Uint8Array
}

/** A member of another node to whom a group's secret can be given. */
export interface GroupReceiver {
  readonly name: Name
  readonly key: Uint8Array
  /** X25519, 32 bytes. */
  readonly encryptionKey: Uint8Array
  /** Since when it is there, by its node's clock: who has come anew has lost what it was given. */
  readonly since: number
  /** When its right to receive ends, skew included, ms since the Unix epoch. */
  readonly until: number
  /** Whether nothing of that right is revoked. */
  readonly holds: () => boolean
}

/** A member as its node's announcement proved it. */
export interface HeardMember {
  readonly member: Member
  /** When its right ends. */
  readonly until: number
  /** Null: its name shows no encryption key. */
  readonly encryptionKey: Uint8Array | null
  readonly holds: () => boolean
}

/** Why a member counts as lost. */
export type LostWhy =
  /** Its node has not told of it three times over. */
  | 'silent'
  /** The connection to its node has ended, and nobody else brought word of it. */
  | 'disconnected'
  /** What proves its right to be there has ended. */
  | 'lapsed'

/** A change of a group's members. */
export type PresenceChange =
  /** It is there, or on another node than before. */
  | { readonly kind: 'joined'; readonly member: Member }
  /** It left; its node says so. */
  | { readonly kind: 'left'; readonly member: Member }
  /** It is not heard of any more; it may come back. */
  | { readonly kind: 'lost'; readonly member: Member; readonly why: LostWhy }

/** What an announcement is about: of each kind the newest counts. */
type News = 'members' | 'heads'

interface Heard extends HeardMember {
  readonly heardAt: number
  /** When it may be lost, unless it is heard of before, and why it will be. */
  readonly lostAt: number
  readonly why: LostWhy
  readonly nodeKey: Uint8Array
}

/** Who is in one group, by what their nodes announced. */
export class Roster {
  readonly #heard = new Map<string, Heard>()
  /** The same by their nodes: an announcement concerns its own node's members alone. */
  readonly #byNode = new Map<Name, Set<string>>()
  /** The node of each member, by the member's name and the node's key, and for how many keys of its. */
  readonly #nodes = new Map<string, { readonly node: Name; readonly keys: number }>()
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

  /** Those who can be given the group's secret. */
  receivers(): readonly GroupReceiver[] {
    return [...this.#heard.values()].flatMap(({ member, until, encryptionKey, holds }) => {
      if (encryptionKey === null) return []
      const { name, key, since } = member
      return { name, key, since, encryptionKey, until, holds }
    })
  }

  /** The node of a member with this key, or on a node with this key, which may sign for it. */
  hostOf(name: Name, key: Uint8Array): Name | undefined {
    const found = keyOf({ name, key })
    return this.#heard.get(found)?.member.node ?? this.#nodes.get(found)?.node
  }

  /** Since when a member is there, by its node's clock. */
  since(member: Pick<Member, 'name' | 'key'>): number | undefined {
    return this.#heard.get(keyOf(member))?.member.since
  }

  /** How many nodes have a member that is there. */
  get nodes(): number {
    return this.#byNode.size
  }

  /** Whether any member is on that node. */
  hasNode(node: Name): boolean {
    return this.#byNode.has(node)
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
      readonly members: readonly HeardMember[]
      /** Claimed too, and not checked in time: they stay as they were. */
      readonly unchecked: readonly Pick<Member, 'name' | 'key'>[]
    },
    at: { readonly time: number; readonly now: number },
  ): void {
    const lost = at.now + this.#patience(node.key, at.time)
    this.#newest.set(`members ${toHex(node.key)}`, at.time)
    const checked = new Map(told.members.map((entry) => [keyOf(entry.member), entry]))
    const unchecked = new Set(told.unchecked.map(keyOf))
    for (const key of this.#byNode.get(node.name) ?? []) {
      if (!checked.has(key) && !unchecked.has(key)) this.#remove(key, { kind: 'left' })
    }
    for (const [key, heard] of checked) {
      const { member } = heard
      const before = this.#heard.get(key)
      if (before === undefined && this.#heard.size >= MEMBERS_MAX) continue
      this.#put(key, { ...heard, heardAt: at.now, lostAt: lost, why: 'silent', nodeKey: node.key })
      if (before === undefined) this.#changed({ kind: 'joined', member })
      else if (before.member.node !== member.node) this.#changed({ kind: 'joined', member })
    }
  }

  /** A node told of heads alone. */
  toldHeads(node: { readonly key: Uint8Array }, time: number): void {
    this.#newest.set(`heads ${toHex(node.key)}`, time)
  }

  /** The connection to a node has ended: its members are lost at `lostAt` unless heard of again. */
  gone(node: Name, { now, lostAt }: { readonly now: number; readonly lostAt: number }): void {
    for (const key of this.#byNode.get(node) ?? []) {
      const heard = this.#heard.get(key)
      if (heard === undefined || heard.lostAt <= lostAt) continue
      this.#heard.set(key, { ...heard, lostAt, why: 'disconnected' })
    }
    if (lostAt <= now) this.sweep(now)
  }

  /** Members that were not heard of, or whose right ended, are gone. */
  sweep(now: number): void {
    for (const [key, heard] of this.#heard) {
      if (heard.until < now) this.#remove(key, { kind: 'lost', why: 'lapsed' })
      else if (this.#isLost(heard, now)) this.#remove(key, { kind: 'lost', why: heard.why })
    }
    // Announcements older than the skew are refused by their time.
    for (const [key, time] of this.#newest) {
      if (time < now - 2 * SKEW_MS) this.#newest.delete(key)
    }
  }

  /** A member is on one node at a time, the one that told of it last. */
  #put(key: string, heard: Heard): void {
    const { node } = heard.member
    const before = this.#heard.get(key)
    if (before !== undefined) this.#leaveNode(before, key)
    this.#heard.set(key, heard)
    this.#signs(heard, 1)
    const keys = this.#byNode.get(node)
    if (keys === undefined) this.#byNode.set(node, new Set([key]))
    else keys.add(key)
  }

  #leaveNode(heard: Heard, key: string): void {
    const { node } = heard.member
    this.#signs(heard, -1)
    const keys = this.#byNode.get(node)
    keys?.delete(key)
    if (keys?.size === 0) this.#byNode.delete(node)
  }

  /** A node signs for one key more of a member, or for one less. */
  #signs({ member: { name, node }, nodeKey }: Heard, change: number): void {
    const id = keyOf({ name, key: nodeKey })
    const keys = (this.#nodes.get(id)?.keys ?? 0) + change
    if (keys > 0) this.#nodes.set(id, { node, keys })
    else this.#nodes.delete(id)
  }

  /** Who is silent is waited for as long as a group of this size may let others wait. */
  #isLost({ heardAt, lostAt, why }: Heard, now: number): boolean {
    if (lostAt > now || why !== 'silent') return lostAt <= now
    return heardAt + PRESENCE_LOST_GAPS * longestPauseMs(this.nodes + 1) <= now
  }

  /** In a group that has just become small its nodes may speak as seldom as they did before. */
  #patience(nodeKey: Uint8Array, time: number): number {
    const gap = time - (this.#newest.get(`members ${toHex(nodeKey)}`) ?? time)
    const known = Math.min(gap, PRESENCE_MS_MAX * (1 + PRESENCE_JITTER))
    return Math.max(PRESENCE_LOST_MS, Math.round(known * PRESENCE_LOST_GAPS))
  }

  #remove(
    key: string,
    how: { readonly kind: 'left' } | { readonly kind: 'lost'; readonly why: LostWhy },
  ): void {
    const heard = this.#heard.get(key)
    if (heard === undefined) return
    this.#heard.delete(key)
    this.#leaveNode(heard, key)
    this.#changed({ ...how, member: heard.member })
  }
}

function keyOf(member: Pick<Member, 'name' | 'key'>): string {
  return `${member.name}|${toHex(member.key)}`
}
