import type { Name } from '@ixj/names'
import { toHex, TrustError, type Grant, type SignedStatement } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Core } from '../host/core.ts'
import type { Identity } from '../host/identity.ts'
import type { GroupReceiver } from '../presence/roster.ts'
import type { Sender } from '../patterns/sender.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import { untilRevoked } from '../revoked/until-revoked.ts'
import {
  encodeGiven,
  givingInfo,
  groupSecretOf,
  SECRET_TYPE,
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
} from './limits.ts'

/** What a giver gives with. */
export interface SecretGiverParts {
  readonly core: Core
  readonly identity: Identity
  readonly sender: Sender
  readonly topic: Name
  /** The `invite` grant; null: the giver owns the group. */
  readonly invite: SignedStatement<Grant> | null
}

/**
 * Gives a group its secrets, for one of its owners or holders of `invite`: to each member that may
 * receive and shows an encryption key, as it comes; a new one when a member that has it may not
 * receive any more, and each day. Of several givers the one whose secret is the newest does so, as
 * long as it is there.
 */
export class SecretGiver {
  readonly #parts: SecretGiverParts
  readonly #mayGive: () => boolean
  /** Members that have the secret, by key. */
  readonly #given = new Map<string, GroupReceiver>()
  readonly #closing = new AbortController()
  #own: GroupSecret | undefined
  #raisedAt = -Infinity
  #isLooking = false
  #cancel = () => {}

  constructor(parts: SecretGiverParts) {
    this.#parts = parts
    const { core, identity, invite } = parts
    const { name, signer } = identity
    this.#mayGive = untilRevoked(() => {
      const { revocations } = core.trust
      const isVoid =
        revocations.ofKey(name, signer.publicKey) !== undefined ||
        (invite !== null && revocations.ofStatement(invite) !== undefined)
      if (isVoid) throw new TrustError('revoked', `${name} may give no secret any more`)
    }, core)
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
      if (this.#isDue()) await this.#raise()
      else if (this.#own !== undefined && core.secrets.has(this.#own)) await this.#give(this.#own)
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

  #isDue(): boolean {
    const { core, topic } = this.#parts
    const now = core.clock.now()
    const newest = core.secrets.newest(topic)
    if (newest !== undefined && newest.idText !== this.#own?.idText) {
      // Another gives; it is followed as long as it is there.
      return !core.presence.members(topic).some(({ name }) => name === newest.giver)
    }
    if (newest === undefined) return true
    if (now < this.#raisedAt + SECRET_RAISE_MS_MIN) return false
    const isOld = now >= newest.epoch + SECRET_AGE_MS_MAX
    return isOld || [...this.#given.values()].some(({ until, holds }) => until < now || !holds())
  }

  async #raise(): Promise<void> {
    const { core, identity, topic } = this.#parts
    const now = core.clock.now()
    const epoch = Math.max(now, core.secrets.lastEpoch(topic) + 1)
    const terms = {
      topic,
      giver: identity.name,
      giverKey: identity.signer.publicKey,
      epoch,
      notAfter: epoch + SECRET_LIFETIME_MS,
    }
    const own = groupSecretOf(terms, core.random(GROUP_SECRET_BYTES), core.hash)
    this.#given.clear()
    this.#own = own
    this.#raisedAt = now
    // Whoever is there has it before anybody seals with it.
    try {
      await this.#give(own)
    } finally {
      core.secrets.add(own, this.#mayGive)
    }
  }

  async #give(secret: GroupSecret): Promise<void> {
    const { core, topic } = this.#parts
    const lacking = core.presence
      .receivers(topic)
      .filter(({ key, since, holds }) => this.#given.get(toHex(key))?.since !== since && holds())
    for (let from = 0; from < lacking.length; from += SECRET_RECEIVERS_MAX) {
      await this.#giveTo(lacking.slice(from, from + SECRET_RECEIVERS_MAX), secret)
    }
  }

  async #giveTo(members: readonly GroupReceiver[], secret: GroupSecret): Promise<void> {
    const { sender, topic, invite } = this.#parts
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
