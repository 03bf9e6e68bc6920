import type { Name } from '@ixj/names'
import { decode, encode, readArray, readBytes, readName, toHex, TrustError } from '@ixj/trust'
import { AgentError } from '../agent-error.ts'
import type { Bundle } from '../bundles/bundle.ts'
import { checkVersion, VERSION } from '../bundles/version.ts'
import type { Clock } from '../clock.ts'
import type { HostPart } from '../host/host-part.ts'
import {
  ORIGINALS_BYTES_MAX,
  ORIGINALS_CHANNELS_MAX,
  ORIGINALS_KEPT_MS,
  ORIGINALS_PER_SECOND,
  ORIGINALS_WAIT_MS,
} from '../limits.ts'
import type { Exchange } from '../neighbours/exchange.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import { Budget } from '../pipeline/rate.ts'
import { codeOf } from '../pipeline/decision.ts'
import { VERDICTS } from '../pipeline/verdicts.ts'
import {
  CHANNEL_FRAME_BYTES_MAX,
  TransportError,
  type Channel,
  type Peer,
  type Transport,
} from '../transport.ts'
import { combinedTopic } from './combined-topic.ts'

/** The protocol by which originals are asked for; docs/protocol.md, "Combined messages". */
export const COMBINE_PROTOCOL = '/ixj/combine/1'

/** The answer where an original is not, or no longer, there: nil. */
const GONE = Uint8Array.of(0xc0)

/** What keeping originals needs of its node. */
export interface OriginalsContext {
  readonly clock: Clock
  readonly transport: Transport
  readonly neighbours: Neighbours
}

/** A node whose originals are kept. */
interface OriginalsNode extends OriginalsContext {
  add<Part extends HostPart>(part: Part): Part
}

const ofNodes = new WeakMap<OriginalsNode, Originals>()

/** The originals of a node; made when somebody there combines, or checks what was combined. */
export function originalsOf(node: OriginalsNode): Originals {
  const known = ofNodes.get(node)
  if (known !== undefined) return known
  const made = node.add(new Originals(node))
  ofNodes.set(node, made)
  return made
}

interface Kept {
  readonly topic: Name
  readonly bytes: Uint8Array
  readonly until: number
}

/**
 * Whole bundles that combiners of this node took in, kept for a while for those who gather from
 * them; and the asking for those of others.
 */
export class Originals implements HostPart {
  readonly protocols = [COMBINE_PROTOCOL]
  readonly #context: OriginalsContext
  /** By bundle id, the oldest first. */
  readonly #kept = new Map<string, Kept>()
  readonly #askers = new Map<Peer, { channels: number; readonly budget: Budget }>()
  #bytes = 0

  constructor(context: OriginalsContext) {
    this.#context = context
  }

  /** Keeps a bundle; when there are too many bytes, the oldest go. */
  keep(bundle: Bundle): void {
    const { bytes, header, idText } = bundle
    if (this.#kept.has(idText)) return
    const until = this.#context.clock.now() + ORIGINALS_KEPT_MS
    this.#kept.set(idText, { topic: header.topic, bytes, until })
    this.#bytes += bytes.length
    for (const [oldest] of this.#kept) {
      if (this.#bytes <= ORIGINALS_BYTES_MAX) break
      this.#drop(oldest)
    }
  }

  /**
   * Asks a node for bundles, by id and in that order; undefined: it has it no longer.
   * @throws AgentError `unreachable` if it is no neighbour, or does not answer within its time
   */
  async ask(
    node: Name,
    topic: Name,
    ids: readonly Uint8Array[],
  ): Promise<{ readonly peer: Peer; readonly found: readonly (Uint8Array | undefined)[] }> {
    const { neighbours, transport, clock } = this.#context
    const neighbour = neighbours.all().find(({ greeted }) => greeted.name === node)
    if (neighbour === undefined) {
      throw new AgentError('unreachable', `Cannot ask ${node} for originals: it is no neighbour`)
    }
    const { peer } = neighbour
    let channel: Channel | undefined
    const cancel = clock.at(clock.now() + ORIGINALS_WAIT_MS, () => void channel?.close())
    try {
      channel = await transport.openChannel(peer, COMBINE_PROTOCOL)
      const [found] = await Promise.all([
        readAnswers(channel, ids.length),
        sendAll(channel, topic, ids),
      ])
      if (found.length === ids.length) return { peer, found }
      const told = `it answered for ${found.length} of ${ids.length}`
      throw new AgentError('unreachable', `Cannot have originals of ${node}: ${told}`)
    } catch (cause) {
      if (!(cause instanceof TransportError)) throw cause
      throw new AgentError('unreachable', `Cannot ask ${node} for originals`, { cause })
    } finally {
      cancel()
      await channel?.close()
    }
  }

  channel(neighbour: Exchange, channel: Channel): void {
    const asker = this.#asker(neighbour.peer)
    if (asker.channels >= ORIGINALS_CHANNELS_MAX) {
      void channel.close()
      return
    }
    asker.channels += 1
    void this.#answer(neighbour, channel, asker.budget).finally(() => (asker.channels -= 1))
  }

  gone(peer: Peer): void {
    this.#askers.delete(peer)
  }

  sweep(now: number): void {
    for (const [id, { until }] of this.#kept) {
      if (until > now) return
      this.#drop(id)
    }
  }

  async #answer(neighbour: Exchange, channel: Channel, budget: Budget): Promise<void> {
    try {
      for await (const frame of channel.frames()) {
        const { topic, id } = readQuestion(frame)
        if (!budget.take(1, this.#context.clock.now())) break
        await channel.send(this.#find(neighbour, topic, id))
      }
    } catch (cause) {
      if (!(cause instanceof TransportError || cause instanceof TrustError)) throw cause
      // The asker may have gone; bytes that no honest node sends are its fault.
      const { neighbours } = this.#context
      if (VERDICTS[codeOf(cause)] === 'reject') neighbours.blame(neighbour)
    } finally {
      await channel.close()
    }
  }

  /** Originals are for those alone who receive what combiners of the topic pass up. */
  #find(neighbour: Exchange, topic: Name, id: Uint8Array): Uint8Array {
    const kept = this.#kept.get(toHex(id))
    if (kept?.topic !== topic || !neighbour.hosts(combinedTopic(topic))) return GONE
    return kept.bytes
  }

  #drop(id: string): void {
    this.#bytes -= this.#kept.get(id)?.bytes.length ?? 0
    this.#kept.delete(id)
  }

  #asker(peer: Peer) {
    const known = this.#askers.get(peer)
    if (known !== undefined) return known
    const asker = {
      channels: 0,
      budget: new Budget(ORIGINALS_PER_SECOND, this.#context.clock.now()),
    }
    this.#askers.set(peer, asker)
    return asker
  }
}

async function readAnswers(
  channel: Channel,
  count: number,
): Promise<readonly (Uint8Array | undefined)[]> {
  const found: (Uint8Array | undefined)[] = []
  for await (const frame of channel.frames()) {
    found.push(frame.length === 1 ? undefined : frame)
    if (found.length === count) break
  }
  return found
}

async function sendAll(channel: Channel, topic: Name, ids: readonly Uint8Array[]): Promise<void> {
  const bytesMax = CHANNEL_FRAME_BYTES_MAX
  for (const id of ids) await channel.send(encode([VERSION, 'original', topic, id], { bytesMax }))
}

function readQuestion(bytes: Uint8Array): { readonly topic: Name; readonly id: Uint8Array } {
  const value = decode(bytes, { bytesMax: CHANNEL_FRAME_BYTES_MAX })
  checkVersion(value, 'question')
  const [, kind, topic, id] = readArray(value, 'question', 4)
  if (kind !== 'original') {
    throw new TrustError('unsupported', 'Cannot read question: its kind is not known')
  }
  return { topic: readName(topic, 'topic'), id: readBytes(id, 'bundle id') }
}
