import type { Name } from '@ixj/names'
import { TrustError, type Sha256 } from '@ixj/trust'
import { decodeBundle } from '../bundles/bundle.ts'
import type { HostPart } from '../host/host-part.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer, Transport } from '../transport.ts'
import { AskedCarriers, type AskingNode } from './asked-carriers.ts'
import type { CarriedTopics, CarryingNode } from './carried-topics.ts'
import type { Passed, Passing, PassingNode } from './passing.ts'

/** What of a node its dealings with pages, or with relays, use. */
export interface RelayingNode extends AskingNode, CarryingNode, PassingNode {
  readonly transport: Transport
  add<Part extends HostPart>(part: Part): Part
}

/** What a relay carries topics for pages with; other nodes have no use for it. */
export interface Carrying {
  readonly CarriedTopics: typeof CarriedTopics
  readonly Passing: typeof Passing
}

/** What a node does as a relay, or, as a page, has relays do; on most nodes nothing. */
export class Relaying {
  /** On a page: what has its relays carry its topics. */
  readonly carriers: AskedCarriers | undefined
  /** On a relay: topics that it receives for pages. */
  readonly carried: CarriedTopics | undefined
  /** On a relay: what passes bundles on. */
  readonly passing: Passing | undefined
  readonly #node: RelayingNode

  constructor(node: RelayingNode, carrying: Carrying | undefined) {
    const { transport } = node
    this.#node = node
    this.carriers = transport.overRelays === true ? node.add(new AskedCarriers(node)) : undefined
    if (carrying === undefined) return
    const { CarriedTopics, Passing } = carrying
    const isPage = (peer: Peer) => transport.isPage?.(peer) === true
    this.carried = node.add(new CarriedTopics(node, transport))
    this.passing = node.add(new Passing(node, this.carried, isPage))
  }

  /** Decides about a bundle that came on the node's own inbox, or has its host decide. */
  async takeInbox(bytes: Uint8Array, from: Peer): Promise<Passed> {
    const { intake, identity, hash } = this.#node
    const topic = this.passing === undefined ? undefined : topicOf(bytes, hash)
    if (topic !== undefined && this.passing?.concerns(topic, from) === true) {
      return await this.passing.pass(bytes, from)
    }
    // As on the node's own inbox: whatever inbox is open here may come, and no group.
    return await intake.take(bytes, { topic: identity.name, from })
  }
}

/** The topic of a bundle; undefined where the bytes are none, which the pipeline will say. */
function topicOf(bytes: Uint8Array, hash: Sha256): Name | undefined {
  try {
    return decodeBundle(bytes, hash).header.topic
  } catch (cause) {
    if (cause instanceof TrustError || cause instanceof Refusal) return undefined
    throw cause
  }
}
