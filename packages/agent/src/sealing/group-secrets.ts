import type { Name } from '@ixj/names'
import { equalBytes, SKEW_MS, toHex, type Random, type Sha256 } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import { sealingInfo, type Encryption, type Header } from '../bundles/header.ts'
import type { Clock } from '../clock.ts'
import type { HostPart } from '../host/host-part.ts'
import type { Store } from '../host/store.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { isOwner, type GiverRight } from './giver-right.ts'
import { compareSecrets, groupKeyInfo, type GroupSecret } from './group-secret.ts'
import {
  FIRST_SECRET_WAIT_MS,
  GROUP_NONCE_BYTES,
  SECRET_GIVERS_MAX,
  SECRET_KEPT_MS,
  SECRET_WAIT_MS,
  SECRET_WAITS_MAX,
  SECRET_WAITS_PER_SENDER_MAX,
  SECRETS_PER_GIVER_MAX,
  SECRETS_STORED_MAX,
} from './limits.ts'
import type { Sealer } from './sealer.ts'
import { storedSecretsKey } from './secret-type.ts'
import { decodeSecrets, encodeSecrets } from './stored-secrets.ts'

/** What a node's group secrets are kept with. */
export interface GroupSecretsContext {
  readonly clock: Clock
  readonly random: Random
  readonly hash: Sha256
  readonly store: Store
  readonly sealer: Sealer | undefined
  /** Since when a member is there, by its node's clock; undefined: it is not. */
  memberSince(
    topic: Name,
    member: { readonly name: Name; readonly key: Uint8Array },
  ): number | undefined
  /** Bundles that were sealed with it can be opened now. */
  added(secret: GroupSecret): void
  /** What is kept on disk could not be written. */
  failed(topic: Name, cause: unknown): void
}

/** One secret as it is kept. */
interface Kept {
  readonly secret: GroupSecret
  /** By what right it was given; undefined: it is from before a restart, and only opens. */
  readonly right: GiverRight | undefined
  /** Since when another one seals, ms since the Unix epoch. */
  supersededAt: number
}

/** A secret to seal with, and by what right it was given. */
export interface RulingSecret {
  readonly secret: GroupSecret
  readonly right: GiverRight
}

interface Group {
  /** The newest first. */
  kept: Kept[]
  readonly waiting: Set<() => void>
  members: number
}

/** Who waits for a secret: neither takes the other's room. */
type Waiter = 'reader' | 'sender'

/**
 * The secrets of the groups that are open on a node, once for all of its members here. One of them
 * seals; the others open, for an hour, over restarts too.
 */
export class GroupSecrets implements HostPart {
  readonly #context: GroupSecretsContext
  readonly #groups = new Map<Name, Group>()
  readonly #waits: Record<Waiter, number> = { reader: 0, sender: 0 }
  /** Bundles that wait, by their senders' keys. */
  readonly #waitsBySender = new Map<string, number>()

  constructor(context: GroupSecretsContext) {
    this.#context = context
  }

  /** A member here opens the group. @throws what the store throws; TrustError for a damaged one */
  async open(topic: Name): Promise<void> {
    const known = this.#groups.get(topic)
    if (known !== undefined) {
      known.members += 1
      return
    }
    const group: Group = { kept: [], waiting: new Set(), members: 1 }
    this.#groups.set(topic, group)
    const { store, hash } = this.#context
    try {
      const stored = await store.get(storedSecretsKey(topic))
      if (stored === undefined) return
      for (const { secret, supersededAt } of decodeSecrets(stored, topic, hash)) {
        if (group.kept.some((each) => each.secret.idText === secret.idText)) continue
        group.kept.push({ secret, right: undefined, supersededAt })
      }
    } catch (cause) {
      this.leave(topic)
      throw cause
    }
    sortKept(group)
  }

  /** Members here have opened a group of which nothing is stored. */
  openEmpty(topic: Name, members: number): void {
    this.#groups.set(topic, { kept: [], waiting: new Set(), members })
  }

  /** A member here has left; with the last one the group's secrets are forgotten in memory. */
  leave(topic: Name): void {
    const group = this.#groups.get(topic)
    if (group === undefined) return
    group.members -= 1
    if (group.members > 0) return
    this.#groups.delete(topic)
    for (const wake of group.waiting) wake()
  }

  /**
   * Keeps a secret that its giver had the right to give; false: it is known.
   * @throws Refusal `table-full`
   */
  add(secret: GroupSecret, right: GiverRight): boolean {
    const group = this.#groups.get(secret.topic)
    if (group === undefined) return false
    const known = group.kept.find((each) => each.secret.idText === secret.idText)
    if (known?.right !== undefined) return false
    makeRoom(group, secret, right)
    const others = group.kept.filter((each) => each !== known)
    group.kept = [...others, { secret, right, supersededAt: known?.supersededAt ?? Infinity }]
    sortKept(group)
    this.#rule(group)
    for (const wake of group.waiting) wake()
    this.#context.added(secret)
    void this.#store(secret.topic, group)
    return true
  }

  /** The secret that members seal with now; undefined: there is none. */
  newest(topic: Name): GroupSecret | undefined {
    return this.ruling(topic)?.secret
  }

  /** The same with its giver's right. */
  ruling(topic: Name): RulingSecret | undefined {
    const group = this.#groups.get(topic)
    return group === undefined ? undefined : this.#rule(group)
  }

  /** Whether a secret is kept still, to open with. */
  has({ topic, id }: Pick<GroupSecret, 'topic' | 'id'>): boolean {
    return this.#find(topic, id) !== undefined
  }

  /** The last epoch that is known of a group; 0: none. */
  lastEpoch(topic: Name): number {
    return this.#groups.get(topic)?.kept[0]?.secret.epoch ?? 0
  }

  /**
   * Waits for the first secret of a group, some seconds; at once where there is one.
   * @throws AgentError `unsealable`; the signal's reason
   */
  async ready(topic: Name, signal: AbortSignal | undefined): Promise<void> {
    const { clock, sealer } = this.#context
    if (sealer === undefined) throw unsealable(topic, true)
    const until = clock.now() + FIRST_SECRET_WAIT_MS
    while (this.newest(topic) === undefined && clock.now() < until) {
      signal?.throwIfAborted()
      if (!(await this.#wait(topic, { for: 'sender', until, signal }))) break
    }
    signal?.throwIfAborted()
    if (this.newest(topic) === undefined) throw unsealable(topic, false)
  }

  /** Messages as they travel to the group. @throws AgentError `unsealable` */
  async seal(
    plain: Uint8Array,
    fields: Omit<Header, 'digest' | 'encryption'>,
  ): Promise<{ readonly encryption: Encryption; readonly messagesBytes: Uint8Array }> {
    const { sealer, random } = this.#context
    const newest = this.newest(fields.topic)
    if (newest === undefined || sealer === undefined) {
      throw unsealable(fields.topic, sealer === undefined)
    }
    const encryption = { secret: newest.id }
    const nonce = random(GROUP_NONCE_BYTES)
    const associated = sealingInfo({ ...fields, encryption })
    const key = { secret: newest.secret, info: groupKeyInfo(fields) }
    const sealed = await sealer.sealShared(key, plain, { nonce, associated })
    const messagesBytes = new Uint8Array(nonce.length + sealed.length)
    messagesBytes.set(nonce)
    messagesBytes.set(sealed, nonce.length)
    return { encryption, messagesBytes }
  }

  /**
   * The messages that a member sealed. Waits a moment for a secret that is not here yet: others may
   * have been given it first.
   * @throws Refusal `secret-missing`, `body`
   */
  async openMessages(
    header: Header,
    sealed: Uint8Array,
    { id, mayCome }: { readonly id: Uint8Array; readonly mayCome: boolean },
  ): Promise<Uint8Array> {
    const { sealer } = this.#context
    const { topic, sender } = header
    const found = this.#find(topic, id)
    const secret = found ?? (mayCome ? await this.#awaitSecret(header, id) : undefined)
    if (secret === undefined || sealer === undefined) {
      const reason = sealer === undefined ? 'this node has no sealer' : 'that secret is not here'
      throw new Refusal(
        'secret-missing',
        `Cannot read what ${sender} sealed to ${topic}: ${reason}`,
      )
    }
    const beside = {
      nonce: sealed.subarray(0, GROUP_NONCE_BYTES),
      associated: sealingInfo(header),
    }
    const key = { secret: secret.secret, info: groupKeyInfo(header) }
    const opened =
      sealed.length < GROUP_NONCE_BYTES
        ? undefined
        : await sealer.openShared(key, sealed.subarray(GROUP_NONCE_BYTES), beside)
    if (opened !== undefined) return opened
    throw new Refusal(
      'body',
      `Cannot open what ${sender} sealed: the secret of ${topic} does not fit`,
    )
  }

  /** Forgets what has ended. */
  sweep(now: number): void {
    for (const [topic, group] of this.#groups) {
      this.#rule(group)
      const before = group.kept.length
      group.kept = group.kept.filter((each) => !hasEnded(each, now))
      if (group.kept.length < before) void this.#store(topic, group)
    }
  }

  close(): void {
    for (const group of this.#groups.values()) for (const wake of group.waiting) wake()
    this.#groups.clear()
  }

  #find(topic: Name, id: Uint8Array): GroupSecret | undefined {
    return this.#groups.get(topic)?.kept.find(({ secret }) => equalBytes(secret.id, id))?.secret
  }

  /**
   * The secret that seals: of those whose givers may give, the latest that was not superseded. One
   * whose giver ranks higher, and has been there ever since, goes before it: who may only invite
   * takes a group from none of its owners. A superseded one whose giver has been away seals no more:
   * who was removed meanwhile may have it.
   */
  #rule(group: Group): RulingSecret | undefined {
    const now = this.#context.clock.now()
    const seals = (each: Kept): each is Kept & RulingSecret =>
      now < each.secret.notAfter &&
      each.right !== undefined &&
      now <= each.right.until + SKEW_MS &&
      each.right.holds()
    let ruling: (Kept & RulingSecret) | undefined
    for (const each of group.kept) {
      if (ruling !== undefined && (each.right?.rank ?? Infinity) >= ruling.right.rank) continue
      const isLatest = ruling === undefined && each.supersededAt === Infinity
      if (seals(each) && (isLatest || this.#isThereSince(each.secret))) ruling = each
    }
    if (ruling === undefined) return undefined
    for (const each of group.kept) each.supersededAt = Math.min(each.supersededAt, now)
    ruling.supersededAt = Infinity
    return ruling
  }

  #isThereSince({ topic, giver: name, giverKey: key, epoch }: GroupSecret): boolean {
    const since = this.#context.memberSince(topic, { name, key })
    return since !== undefined && since <= epoch
  }

  async #awaitSecret({ topic, key }: Header, id: Uint8Array): Promise<GroupSecret | undefined> {
    const sender = toHex(key)
    const waits = this.#waitsBySender.get(sender) ?? 0
    // The signature held: what waits is this sender's, whoever carried it.
    if (waits >= SECRET_WAITS_PER_SENDER_MAX) return undefined
    this.#waitsBySender.set(sender, waits + 1)
    try {
      const { clock } = this.#context
      const until = clock.now() + SECRET_WAIT_MS
      while (clock.now() < until) {
        if (!(await this.#wait(topic, { for: 'reader', until, signal: undefined }))) break
        const found = this.#find(topic, id)
        if (found !== undefined) return found
      }
      return undefined
    } finally {
      const left = this.#waitsBySender.get(sender)! - 1
      if (left === 0) this.#waitsBySender.delete(sender)
      else this.#waitsBySender.set(sender, left)
    }
  }

  /** Waits until a secret comes, or that time; false: too much waits, or the group has closed. */
  async #wait(
    topic: Name,
    wait: {
      readonly for: Waiter
      readonly until: number
      readonly signal: AbortSignal | undefined
    },
  ): Promise<boolean> {
    const { until, signal } = wait
    const group = this.#groups.get(topic)
    if (group === undefined || this.#waits[wait.for] >= SECRET_WAITS_MAX) return false
    const woken = Promise.withResolvers<void>()
    const wake = () => woken.resolve()
    const cancel = this.#context.clock.at(until, wake)
    signal?.addEventListener('abort', wake, { once: true })
    group.waiting.add(wake)
    this.#waits[wait.for] += 1
    try {
      await woken.promise
    } finally {
      this.#waits[wait.for] -= 1
      group.waiting.delete(wake)
      signal?.removeEventListener('abort', wake)
      cancel()
    }
    return this.#groups.get(topic) === group
  }

  async #store(topic: Name, group: Group): Promise<void> {
    try {
      const kept = group.kept.slice(0, SECRETS_STORED_MAX)
      await this.#context.store.set(storedSecretsKey(topic), encodeSecrets(kept))
    } catch (cause) {
      this.#context.failed(topic, cause)
    }
  }
}

function unsealable(topic: Name, hasNoSealer: boolean): AgentError {
  const reason = hasNoSealer ? 'this node has no sealer' : 'nobody has given this node its secret'
  return new AgentError('unsealable', `Cannot seal to ${topic}: ${reason}`)
}

function hasEnded({ secret, supersededAt }: Kept, now: number): boolean {
  return Math.min(supersededAt, secret.notAfter) + SECRET_KEPT_MS < now
}

/**
 * "Whatever a giver fills is its own": beyond the room of those who answer for it, their oldest goes.
 * One account too many is refused, but never an owner's.
 */
function makeRoom(
  group: Group,
  { giver, topic }: GroupSecret,
  { account, rank }: GiverRight,
): void {
  const invited = new Set(
    group.kept.flatMap(({ right }) =>
      right === undefined || isOwner(right) ? [] : [right.account],
    ),
  )
  if (!isOwner({ rank }) && !invited.has(account) && invited.size >= SECRET_GIVERS_MAX) {
    const limit = `the limit is ${SECRET_GIVERS_MAX}`
    throw new Refusal('table-full', `Cannot take a secret of ${topic} by ${giver}: ${limit} givers`)
  }
  const own = group.kept.filter(({ right }) => right?.account === account)
  if (own.length < SECRETS_PER_GIVER_MAX) return
  const oldest = own.at(-1)
  group.kept = group.kept.filter((each) => each !== oldest)
}

/** The newest first. */
function sortKept(group: Group): void {
  group.kept = group.kept.toSorted((left, right) => compareSecrets(right.secret, left.secret))
}
