import {
  type Channel,
  CHANNEL_FRAME_BYTES_MAX,
  grantsOf,
  HELLO_PROTOCOL,
  type Identity,
  type Peer,
  type Receiver,
  TransportError,
  type Verdict,
} from '@ixj/agent'
import { openRelayTransport, type RelayAddress, type RelayTransport } from '@ixj/browser'
import { nodeRandom, nodeSha256, openNodeVerifier, systemClock } from '@ixj/node'
import {
  decode,
  decodeStatement,
  encode,
  type Grant,
  type SignedStatement,
  toHex,
} from '@ixj/trust'
import { WebSocket } from 'ws'
import { grantHost, provingStatements } from '../../packages/agent/src/host/identity.ts'
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type RightFrame,
} from '../../packages/agent/src/neighbours/frames.ts'
import { PROOF_PROTOCOL } from '../../packages/agent/src/neighbours/greetings.ts'
import {
  type Greeted,
  type HelloContext,
  initiateHello,
} from '../../packages/agent/src/neighbours/hello.ts'
import { markOf } from '../../packages/agent/src/neighbours/marks.ts'
import { ZoneKeyBook } from '../../packages/agent/src/neighbours/zone-keys.ts'
import {
  CARRY_PROTOCOL,
  decodeCarry,
  encodeCarry,
} from '../../packages/agent/src/relay/carry-frames.ts'
import { STATE_PROTOCOL } from '../../packages/agent/src/state/snapshots.ts'
import { bucketOf } from '../../packages/agent/src/history/topic-index.ts'
import { encodeSyncFrame } from '../../packages/agent/src/sync/frames.ts'
import { SYNC_PROTOCOL } from '../../packages/agent/src/sync/link.ts'
import { type Fleet, FLEET_CREW } from '../world/fleet.ts'
import { type MadeProof, proofOf } from '../world/made-bundle.ts'
import { trustBooks } from '../world/trust-books.ts'
import { ownAnchor } from '../world/world.ts'

/** What all lean pages of a process share. */
export interface LeanWorld {
  readonly fleet: Fleet
  readonly relay: RelayAddress
  /** A message of the crew has reached this page. */
  heard(page: LeanPage, bytes: Uint8Array): void
}

/** As often as a page compares its history, about: nodes choose the time by chance. */
const SUMMARY_MS = 13_400
const HISTORY_MS = { event: 600_000, task: 3_600_000 } as const
const verifier = openNodeVerifier()

/**
 * A page that says to its relay what a page says that reads the crew and listens to its own inbox,
 * and keeps nothing of what it is told: it logs in, greets, proves, has both carried and compares
 * histories as every page does, each with its own key, but judges no message.
 */
export class LeanPage implements Receiver {
  readonly identity: Identity
  readonly #world: LeanWorld
  readonly #transport: RelayTransport
  readonly #following = Promise.withResolvers<void>()
  readonly #carried = new Set<string>()
  readonly #said = new Map<string, MadeProof>()
  readonly #sent = new Set<string>()
  #proofs: Channel | undefined
  #cancelSummary: (() => void) | undefined

  private constructor(identity: Identity, world: LeanWorld) {
    this.identity = identity
    this.#world = world
    this.#transport = openRelayTransport({
      relays: [world.relay],
      name: identity.name,
      signer: identity.signer,
      origin: 'none',
      clock: systemClock,
      random: nodeRandom,
      verifier,
      hash: nodeSha256,
      WebSocket,
    })
  }

  /** Opens the page; resolves when its relay carries both topics for it. */
  static async open(index: number, world: LeanWorld): Promise<LeanPage> {
    const page = new LeanPage(await world.fleet.reader(index), world)
    page.#transport.attach(page)
    await page.#following.promise
    return page
  }

  connected(peer: Peer): void {
    this.#until(this.#enter(peer))
  }

  /** Its transport calls the relay again, as that of every page does. */
  disconnected(): void {
    this.#carried.clear()
    this.#said.clear()
    this.#sent.clear()
    this.#proofs = undefined
    this.#cancelSummary?.()
  }

  channel(_peer: Peer, protocol: string, channel: Channel): void {
    if (protocol === STATE_PROTOCOL) this.#until(giveNoState(channel))
  }

  subscriptionChanged(): void {}
  subscriptionHeld(): void {}

  async message(topic: string, bytes: Uint8Array): Promise<Verdict> {
    if (topic === FLEET_CREW) this.#world.heard(this, bytes)
    return 'ignore'
  }

  async #enter(peer: Peer): Promise<void> {
    const transport = this.#transport
    const hello = await transport.openChannel(peer, HELLO_PROTOCOL)
    const ends = { initiator: transport.peer, responder: peer }
    const greeted = await initiateHello(hello, ends, this.#helloContext())
    await hello.close()
    transport.admit(peer)
    for (const topic of [this.identity.name, `${this.#world.fleet.acme.name}/revoked`]) {
      transport.allow(peer, topic)
      await transport.subscribe(topic)
    }
    const carry = await transport.openChannel(peer, CARRY_PROTOCOL)
    this.#proofs = await transport.openChannel(peer, PROOF_PROTOCOL)
    this.#until(this.#answer(this.#proofs))
    this.#until(this.#readCarried(carry))
    await this.#ask(carry, greeted)
    await this.#show()
    transport.allow(peer, FLEET_CREW)
    await transport.subscribe(FLEET_CREW)
    const state = await transport.openChannel(peer, STATE_PROTOCOL)
    await state.send(encode([1, 'snapshot', FLEET_CREW]))
    for await (const frame of state.frames()) if (isEnd(frame)) break
    await state.close()
    const sync = await transport.openChannel(peer, SYNC_PROTOCOL)
    this.#until(drain(sync))
    await this.#compare(sync)
  }

  /** What ends with the connection begins again with the next one. */
  #until(work: Promise<void>): void {
    work.catch((cause: unknown) => {
      if (!(cause instanceof TransportError)) this.#following.reject(cause)
    })
  }

  #helloContext(): HelloContext {
    const { identity } = this
    const proof = proofOf(provingStatements(identity, []))
    const { fleet } = this.#world
    return {
      name: identity.name,
      signer: identity.signer,
      clock: systemClock,
      random: nodeRandom,
      verifier,
      ...trustBooks([ownAnchor(fleet.acme)], { clock: systemClock, verifier }),
      organisation: fleet.acme.name,
      proof: () => ({
        bytes: proof.bytes,
        envelopes: proof.statements.map(({ envelope }) => envelope),
        statuses: [],
      }),
      zoneKeys: new ZoneKeyBook(undefined, systemClock, nodeSha256),
      hash: nodeSha256,
      measured: () => {},
      keep: async (envelope) => decodeStatement(envelope, nodeSha256),
    }
  }

  /** Has the relay carry its inbox and the crew, each by a grant of its own. */
  async #ask(carry: Channel, { name, key, session }: Greeted): Promise<void> {
    const { identity } = this
    await this.#say({ kind: 'want', mark: markOf(session, FLEET_CREW, nodeSha256) })
    for (const kind of ['inbox', 'group'] as const) {
      const host = await grantHost(
        identity,
        { topic: identity.name, node: name, nodeKey: key },
        { now: systemClock.now(), random: nodeRandom, hash: nodeSha256, lifeMs: 600_000 },
      )
      const held = kind === 'group' ? this.#subscribing() : []
      const proof = proofOf([...provingStatements(identity, held), host])
      await this.#prove(proof)
      const topic = kind === 'group' ? FLEET_CREW : identity.name
      const subscribe = held[0]?.id ?? null
      const agent = { agent: identity.name, agentKey: identity.signer.publicKey }
      const frame = { topic, of: kind, ...agent, subscribe, host: host.id, proof: proof.id }
      await carry.send(encodeCarry({ kind: 'carry', ...frame }))
    }
  }

  /** Shows its own rights to both. */
  async #show(): Promise<void> {
    const { identity } = this
    const { name, signer } = identity
    const none = { agent: null, agentKey: null, subscribe: null, host: null }
    const [subscribe] = this.#subscribing()
    const agent = { agent: name, agentKey: signer.publicKey, subscribe: subscribe?.id ?? null }
    const rights: readonly (readonly [MadeProof, Omit<RightFrame, 'kind' | 'proof'>])[] = [
      [
        proofOf(provingStatements(identity, [])),
        { topic: name, of: 'inbox', carrier: name, ...none },
      ],
      [
        proofOf(provingStatements(identity, this.#subscribing())),
        { topic: FLEET_CREW, of: 'group', carrier: FLEET_CREW, ...none, ...agent },
      ],
    ]
    for (const [proof, right] of rights) {
      await this.#prove(proof)
      await this.#say({ kind: 'right', ...right, proof: proof.id })
    }
  }

  #subscribing(): readonly SignedStatement<Grant>[] {
    return grantsOf(this.identity)
  }

  async #prove(proof: MadeProof): Promise<void> {
    this.#said.set(toHex(proof.id), proof)
    const fresh = proof.statements.filter(({ idText }) => !this.#sent.has(idText))
    for (const { idText } of fresh) this.#sent.add(idText)
    const envelopes = fresh.map(({ envelope }) => envelope)
    if (fresh.length > 0) await this.#say({ kind: 'statements', envelopes })
    await this.#say({ kind: 'proof', bytes: proof.bytes })
  }

  async #say(...frames: readonly Frame[]): Promise<void> {
    for (const frame of frames) await this.#proofs?.send(encodeFrame(frame))
  }

  /** Says again what the relay says that it lacks, and that it has what the relay compares. */
  async #answer(proofs: Channel): Promise<void> {
    for await (const bytes of proofs.frames()) {
      const frame = decodeFrame(bytes)
      if (frame.kind === 'revoked') await this.#say(frame)
      const asked = frame.kind === 'fetch' ? this.#said.get(toHex(frame.proof)) : undefined
      for (const { idText } of asked?.statements ?? []) this.#sent.delete(idText)
      if (asked !== undefined) await this.#prove(asked)
    }
  }

  async #readCarried(carry: Channel): Promise<void> {
    for await (const bytes of carry.frames()) {
      const told = decodeCarry(bytes)
      if (told.kind !== 'carried') continue
      if (told.code !== null) {
        this.#following.reject(new Error(`${told.topic} is not carried: ${told.code}`))
      }
      this.#carried.add(told.topic)
      if (this.#carried.size === 2) this.#following.resolve()
    }
  }

  async #compare(sync: Channel): Promise<void> {
    const now = systemClock.now()
    // Nobody has said anything yet.
    const digest = nodeSha256(encode([]))
    for (const kept of ['event', 'task'] as const) {
      const range = { from: bucketOf(now - HISTORY_MS[kept]) + 1, to: bucketOf(now + 60_000) }
      const frame = { kind: 'summary', topic: FLEET_CREW, class: kept, ...range, digest } as const
      await sync.send(encodeSyncFrame(frame))
    }
    this.#cancelSummary = systemClock.at(now + SUMMARY_MS, () => this.#until(this.#compare(sync)))
  }
}

/** A page that has no registers of the crew. */
async function giveNoState(channel: Channel): Promise<void> {
  for await (const question of channel.frames()) {
    if (question.length > 0) await channel.send(encode([1, 'end']))
  }
}

function isEnd(frame: Uint8Array): boolean {
  const value = decode(frame, { bytesMax: CHANNEL_FRAME_BYTES_MAX })
  return Array.isArray(value) && value[1] === 'end'
}

async function drain(channel: Channel): Promise<void> {
  for await (const frame of channel.frames()) if (frame.length === 0) return
}
