import type { Name } from '@ixj/names'
import { toHex, TrustError, type Grant, type SignedStatement } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Core } from '../host/core.ts'
import type { Identity } from '../host/identity.ts'
import type { GroupReceiver } from '../presence/roster.ts'
import type { Sender } from '../patterns/sender.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { ownGiverRight, type GiverRight } from './giver-right.ts'
import type { GroupSecrets, RulingSecret } from './group-secrets.ts'
import {
  encodeGiven,
  givingInfo,
  groupSecretOf,
  type GroupSecret,
  type Receiver,
} from './group-secret.ts'
import {
  GROUP_SECRET_BYTES,
  SECRET_AGE_MS_MAX,
  SECRET_LIFETIME_MS,
  SECRET_LOOK_MS,
  SECRET_RAISE_MS_MIN,
  SECRET_RECEIVERS_MAX,
  SECRET_RENEWED_MS,
} from './limits.ts'
import { SECRET_TYPE } from './secret-type.ts'

/** What a giver gives with. */
export interface SecretGiverParts {
  readonly core: Core
  readonly secrets: GroupSecrets
  readonly identity: Identity
  readonly sender: Sender
  readonly topic: Name
}

/** What this giver gives under, now. */
type OwnRight = NonNullable<ReturnType<typeof ownGiverRight>>

/** A secret that this giver made, and by what right. */
interface OwnSecret {
  readonly secret: GroupSecret
  /** The `invite` grant; null: the giver owns the group. */
  readonly invite: SignedStatement<Grant> | null
}

/**
 * Gives a group its secrets, for one of its owners or holders of `invite`: to each member that may
 * receive and shows an encryption key, as it comes; a new one when a member that has it may not
 * receive any more, when its own right is about to end, and each day. Of several givers the highest
 * does so; of equals the one whose secret is the newest, as long as it is there and may.
 */
export class SecretGiver {
  readonly #parts: SecretGiverParts
  /** Members that have the secret, by key. */
  readonly #given = new Map<string, GroupReceiver>()
  readonly #closing = new AbortController()
  #own: OwnSecret | undefined
  #right: OwnRight | undefined
  #raisedAt = -Infinity
  #isLooking = false
  #cancel = () => {}

  constructor(parts: SecretGiverParts) {
    this.#parts = parts
    void this.#watch()
    void this.#look()
  }

  /** Gives nothing more. */
  close(): void {
    this.#closing.abort()
    this.#cancel()
  }

  async #watch(): Promise<void> {
    const { core, topic } = this.#parts
    for await (const { kind } of core.presence.watch(topic, this.#closing.signal)) {
      if (kind === 'joined') await this.#look()
    }
  }

  /** Looks who lacks the secret, and whether it is time for another. */
  async #look(): Promise<void> {
    const { core, topic } = this.#parts
    if (this.#isLooking || this.#closing.signal.aborted) return
    this.#isLooking = true
    try {
      this.#refresh()
      const own = this.#own
      const right = this.#findRight()
      if (right !== undefined && this.#isDue(right)) await this.#raise(right)
      else if (right !== undefined && own !== undefined && this.#parts.secrets.has(own.secret)) {
        await this.#give(own)
      }
    } catch (cause) {
      // Who could not be given it now is given it the next time.
      if (this.#closing.signal.aborted) return
      const isExpected = cause instanceof AgentError || cause instanceof TrustError
      if (!(isExpected || cause instanceof Refusal)) throw cause
      const message = `Cannot give the secret of ${topic}: ${cause.message}`
      const refusal = new Refusal('transport', message, { cause })
      core.record(core.plain('state', 'give', topic, this.#parts.identity.name, refusal))
    } finally {
      this.#isLooking = false
    }
    this.#cancel()
    const { clock } = core
    if (this.#closing.signal.aborted) return
    this.#cancel = clock.at(clock.now() + SECRET_LOOK_MS, () => void this.#look())
  }

  /** Members that are there still have rights that may have been renewed. */
  #refresh(): void {
    const { core, topic } = this.#parts
    for (const receiver of core.presence.receivers(topic)) {
      const key = toHex(receiver.key)
      // Who has come anew has lost it: it is given again.
      if (this.#given.get(key)?.since === receiver.since) this.#given.set(key, receiver)
    }
  }

  /** The right that this giver has now; it is looked for anew when the last one ends. */
  #findRight(): OwnRight | undefined {
    const { core, identity, topic } = this.#parts
    const known = this.#right?.right
    const isGood = known?.holds() === true && core.clock.now() < known.until - SECRET_RENEWED_MS
    if (!isGood) this.#right = ownGiverRight(identity, topic, core)
    return this.#right
  }

  #isDue({ right }: OwnRight): boolean {
    const { core, secrets, topic } = this.#parts
    const now = core.clock.now()
    const ruling = secrets.ruling(topic)
    if (ruling === undefined) return true
    const { secret } = ruling
    if (secret.idText === this.#own?.secret.idText) return this.#isOwnDue(ruling, right)
    const { giver: name, giverKey: key } = secret
    // Another gives; it is followed as long as it is there and may give.
    if (now >= ruling.right.until || core.presence.since(topic, { name, key }) === undefined) {
      return true
    }
    // Members follow the higher one of two that are there, so this ends with one secret.
    return right.rank < ruling.right.rank && this.#isAnnounced && this.#mayRaise(now)
  }

  #isOwnDue({ secret, right: its }: RulingSecret, right: GiverRight): boolean {
    const now = this.#parts.core.clock.now()
    if (!this.#mayRaise(now)) return false
    if (now >= secret.epoch + SECRET_AGE_MS_MAX) return true
    if (now >= its.until - SECRET_RENEWED_MS && right.until > its.until) return true
    return [...this.#given.values()].some(({ until, holds }) => until < now || !holds())
  }

  #mayRaise(now: number): boolean {
    return now >= this.#raisedAt + SECRET_RAISE_MS_MIN
  }

  /** Who joined quietly is seen by nobody, so nobody would follow it. */
  get #isAnnounced(): boolean {
    const { core, identity, topic } = this.#parts
    const { name, signer } = identity
    return core.presence.since(topic, { name, key: signer.publicKey }) !== undefined
  }

  async #raise({ invite, right }: OwnRight): Promise<void> {
    const { core, secrets, identity, topic } = this.#parts
    const now = core.clock.now()
    const epoch = Math.max(now, secrets.lastEpoch(topic) + 1)
    const terms = {
      topic,
      giver: identity.name,
      giverKey: identity.signer.publicKey,
      epoch,
      notAfter: epoch + SECRET_LIFETIME_MS,
    }
    const secret = groupSecretOf(terms, core.random(GROUP_SECRET_BYTES), core.hash)
    const own = { secret, invite }
    this.#given.clear()
    this.#own = own
    this.#raisedAt = now
    // Whoever is there has it before anybody seals with it.
    try {
      await this.#give(own)
    } finally {
      secrets.add(secret, right)
    }
  }

  async #give(own: OwnSecret): Promise<void> {
    const { core, topic } = this.#parts
    const lacking = core.presence
      .receivers(topic)
      .filter(({ key, since, holds }) => this.#given.get(toHex(key))?.since !== since && holds())
    for (let from = 0; from < lacking.length; from += SECRET_RECEIVERS_MAX) {
      await this.#giveTo(lacking.slice(from, from + SECRET_RECEIVERS_MAX), own)
    }
  }

  async #giveTo(members: readonly GroupReceiver[], { secret, invite }: OwnSecret): Promise<void> {
    const { sender, topic } = this.#parts
    const receivers: Receiver[] = []
    for (const member of members) {
      const receiver = await this.#sealTo(member, secret)
      if (receiver !== undefined) receivers.push(receiver)
    }
    const { epoch, notAfter } = secret
    const body = encodeGiven({ epoch, notAfter, invite: invite?.id ?? null, receivers })
    const part = sender.part(body, { contentType: SECRET_TYPE })
    await sender.send(sender.lanes.giving(topic, invite), part, { signal: this.#closing.signal })
    for (const member of members) this.#given.set(toHex(member.key), member)
  }

  /** Undefined, and counted, for a key that is none: it must not keep the others from theirs. */
  async #sealTo(
    { name, encryptionKey }: GroupReceiver,
    secret: GroupSecret,
  ): Promise<Receiver | undefined> {
    const { core, topic } = this.#parts
    try {
      const sealed = await core.sealer!.seal(encryptionKey, secret.secret, givingInfo(secret))
      return { recipient: core.hash(encryptionKey), sealed }
    } catch (cause) {
      if (!(cause instanceof AgentError)) throw cause
      const message = `Cannot give ${name} the secret of ${topic}: ${cause.message}`
      const refusal = new TrustError('bad-key', message, { cause })
      core.record(core.plain('state', 'give', topic, name, refusal))
      return undefined
    }
  }
}
