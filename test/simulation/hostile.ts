import { grantsOf, HELLO_PROTOCOL, TransportError, type Identity } from '@ixj/agent'
import { MEMORY_PROTOCOLS_DEFAULT } from '@ixj/agent/memory'
import { type BundleChanges, makeBundle, type MadeBundle, partOf } from '../world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { RawNode } from '../world/raw-node.ts'
import type { City } from './city.ts'
import { Dice } from './dice.ts'
import type { AttackKind, Plan } from './plan.ts'

/** Between two looks at its connections. */
const KEEP_MS = 2_000

/** Bundles of a flood. */
const FLOOD = 60

/** What it says is no duty of anybody. */
export const HOSTILE_LIFE = 'hostile'

/** Keys that would have been good once. */
interface Loot {
  /** Its binding ended two minutes before the run. */
  readonly expired: Identity
}

/**
 * A member that was admitted by right and lies: it reads what every member reads, and sends copies,
 * forgeries and junk. What it says in its own name, once and in order, is said by right.
 */
export class Hostile {
  readonly #city: City
  readonly #raw: RawNode
  readonly #dice: Dice
  readonly #victims: readonly string[]
  readonly #loot: Loot
  readonly #organisation: string
  readonly #topics: readonly string[]
  /** Place of its next bundle, in a stream of its own for each. */
  #epoch = 0

  private constructor(city: City, raw: RawNode, plan: Plan, loot: Loot) {
    this.#city = city
    this.#raw = raw
    this.#victims = plan.hostile
    this.#loot = loot
    this.#dice = new Dice(plan.seed, 'attacks of it')
    const organisation = plan.organisations[0]!
    this.#organisation = organisation
    this.#topics = [`crew.${organisation}`, `ops.${organisation}`]
  }

  /** Undefined where the plan has none. */
  static async open(city: City, plan: Plan): Promise<Hostile | undefined> {
    const [text] = plan.organisations
    if (plan.hostile.length === 0 || text === undefined) return undefined
    const { world } = city
    const organisation = city.organisation(text)
    const topics = [`crew.${text}`, `ops.${text}`]
    const actions = ['publish', 'request', 'subscribe'] as const
    const mallory = await world.bind(organisation, `mallory.${text}`, {
      grants: [{ actions, topics }],
    })
    const raw = new RawNode(world, organisation, mallory)
    raw.verdict = 'accept'
    const before = world.clock.now()
    const times = { notBefore: before - 600_000, notAfter: before - 120_000 }
    const ghost = await bindAnyhow(world, organisation, `ghost.${text}`, times)
    city.history.add({ kind: 'bound', agent: ghost.name, notAfter: times.notAfter })
    const grant = await grantAnyhow(world, organisation, { subject: ghost.name, topics })
    const hostile = new Hostile(city, raw, plan, { expired: withStatements(ghost, grant) })
    hostile.#keep()
    return hostile
  }

  /** Does one evil thing, if it has a neighbour to do it to. */
  async attack(kind: AttackKind): Promise<void> {
    const near = this.#victims.filter((victim) => this.#raw.hasExchange(victim))
    this.#city.history.add({ kind: 'trouble', what: `attack: ${kind}`, nodes: near })
    if (near.length === 0) return
    switch (kind) {
      case 'replay':
        return await this.#replay()
      case 'replay-elsewhere':
        return await this.#replay(this.#dice.one(this.#topics))
      case 'twist':
        return await this.#twist()
      case 'forge':
        return await this.#forge(near)
      case 'borrow':
        return await this.#borrow(near)
      case 'equivocate':
        return await this.#equivocate(near)
      case 'future':
        return await this.#offTime(near, 100_000)
      case 'stale':
        return await this.#offTime(near, -120_000)
      case 'oversize':
        return await this.#publish(this.#topic(), this.#city.world.bytes(64 * 1024 + 512))
      case 'flood':
        for (let count = 0; count < FLOOD; count++) {
          await this.#publish(this.#topic(), this.#city.world.bytes(200))
        }
        return
      case 'junk':
        return await this.#junk(near)
      case 'stolen':
        return await this.#stolen(near)
    }
  }

  /** Connects again and shows its rights again, as every member does. */
  #keep(): void {
    const { world } = this.#city
    for (const victim of this.#victims) {
      const runs = this.#city.machines.get(victim)?.host !== undefined
      if (runs && !world.network.isConnected(this.#raw.peer, victim)) {
        this.#raw.transport.connect(victim)
      }
      if (!this.#raw.hasExchange(victim)) continue
      for (const topic of this.#topics) this.#city.history.watch(this.#raw.showGroup(victim, topic))
    }
    world.clock.at(world.clock.now() + KEEP_MS, () => this.#keep())
  }

  #topic(): string {
    return this.#dice.one(this.#topics)
  }

  async #publish(topic: string, bytes: Uint8Array): Promise<void> {
    await this.#raw.transport.publish(topic, bytes)
  }

  /** Tells what proves a bundle to its neighbours, and publishes it. */
  async #give(near: readonly string[], made: MadeBundle): Promise<void> {
    for (const peer of near) {
      if (this.#raw.hasExchange(peer)) await this.#raw.prove(peer, made.proof)
    }
    await this.#publish(made.bundle.header.topic, made.bytes)
  }

  /** An agent of its organisation that lives now. */
  #someone(): Identity | undefined {
    const here = [...this.#city.residents.values()].map(({ agent }) => agent.identity)
    const own = here.filter(({ name }) => name.endsWith(`.${this.#organisation}`))
    return own.length === 0 ? undefined : this.#dice.one(own)
  }

  /** Something that it heard, as it came. */
  #heard(): { readonly topic: string; readonly bytes: Uint8Array } | undefined {
    const { heard } = this.#raw
    return heard.length === 0 ? undefined : this.#dice.one(heard)
  }

  async #replay(topic?: string): Promise<void> {
    const heard = this.#heard()
    if (heard !== undefined) await this.#publish(topic ?? heard.topic, heard.bytes)
  }

  async #twist(): Promise<void> {
    const heard = this.#heard()
    if (heard === undefined) return
    const bytes = heard.bytes.slice()
    bytes[this.#dice.whole(0, bytes.length - 1)]! ^= 1 << this.#dice.whole(0, 7)
    await this.#publish(heard.topic, bytes)
  }

  /** In another's name and with its key, signed with its own. */
  async #forge(near: readonly string[]): Promise<void> {
    const agent = this.#someone()
    if (agent === undefined) return
    const { signer } = this.#raw.identity
    const liar = {
      publicKey: agent.signer.publicKey,
      sign: (data: Uint8Array) => signer.sign(data),
    }
    await this.#give(near, await this.#make(agent, { signer: liar }, 'forged'))
  }

  /** In its own name, under a grant of another. */
  async #borrow(near: readonly string[]): Promise<void> {
    const agent = this.#someone()
    const [under] = agent === undefined ? [] : grantsOf(agent)
    if (agent === undefined || under === undefined) return
    const both = withStatements(this.#raw.identity, ...agent.statements)
    const { world } = this.#city
    await this.#give(near, await makeBundle(world, both, this.#topic(), { under, ...this.#at() }))
  }

  /** Two bundles for one place: one may pass at each node, and then its key is done. */
  async #equivocate(near: readonly string[]): Promise<void> {
    const own = this.#raw.identity
    const at = this.#at()
    const place = `place ${at.epoch}`
    await this.#give(near, await this.#make(own, at, 'said', place))
    await this.#give(near, await this.#make(own, at, 'said', place))
  }

  /** Further off than clocks here are apart, and than a receiver may take for a wrong clock. */
  async #offTime(near: readonly string[], ms: number): Promise<void> {
    const sentAt = this.#city.world.clock.now() + ms
    const changes = { ...this.#at(), sentAt, lifespanMs: 1_000 }
    await this.#give(near, await this.#make(this.#raw.identity, changes, 'forged'))
  }

  /** Frames that mean nothing, or are cut off, on every protocol that neighbours speak. */
  async #junk(near: readonly string[]): Promise<void> {
    const peer = this.#dice.one(near)
    const { transport } = this.#raw
    for (const protocol of MEMORY_PROTOCOLS_DEFAULT.filter((each) => each !== HELLO_PROTOCOL)) {
      try {
        const channel = await transport.openChannel(peer, protocol)
        const heard = this.#heard()?.bytes ?? this.#city.world.bytes(40)
        const frames = [this.#city.world.bytes(90), heard, heard.subarray(0, 30)]
        for (const frame of frames) await channel.send(frame)
        await channel.close()
      } catch (cause) {
        // It may be cut off meanwhile, and rightly so.
        if (!(cause instanceof TransportError)) throw cause
      }
    }
  }

  /** With a key whose binding has ended, or one that was revoked. */
  async #stolen(near: readonly string[]): Promise<void> {
    const revoked = this.#city.history.of('revoked').map(({ agent }) => agent)
    const thief =
      revoked.length > 0 && this.#dice.isBelow(0.5)
        ? this.#city.identity(this.#dice.one(revoked))
        : this.#loot.expired
    await this.#give(near, await this.#make(thief, this.#at(), 'stolen'))
  }

  /** A place of a stream of its own that nobody has taken. */
  #at(): { readonly epoch: number; readonly first: number } {
    this.#epoch = Math.max(this.#city.world.clock.now(), this.#epoch + 1)
    return { epoch: this.#epoch, first: 1 }
  }

  /** A bundle with a body that says what it is; what is said by right is noted as said. */
  async #make(
    sender: Identity,
    changes: BundleChanges,
    as: 'said' | 'forged' | 'stolen',
    place?: string,
  ): Promise<MadeBundle> {
    const { world, history } = this.#city
    const topic = place === undefined ? this.#topic() : this.#topics[0]!
    const number = this.#city.nextNumber('mallory')
    const label = `${sender.name}#${as}-${number}`
    const [under] = grantsOf(sender)
    const made = await makeBundle(world, sender, topic, {
      ...(under === undefined ? {} : { under }),
      parts: [partOf(world, label)],
      ...changes,
    })
    if (as !== 'forged') {
      const lasting = { to: null, lifespanMs: 10_000 }
      const how = {
        action: 'publish',
        ...lasting,
        ...(place === undefined ? {} : { place }),
      } as const
      const said = { label, body: label, by: sender.name, life: HOSTILE_LIFE, topic }
      history.add({ kind: 'said', ...said, ...how })
    }
    return made
  }
}
