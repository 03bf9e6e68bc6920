import { HELLO_MS, REFUSAL_MS } from '../limits.ts'
import { HELLO_PROTOCOL, type Channel, type Peer } from '../transport.ts'
import type { Exchange } from './exchange.ts'
import { initiateHello, respondHello, type Greeted } from './hello.ts'
import type { NeighboursContext } from './neighbours-context.ts'

/** The protocol of {@link Exchange}. */
export const PROOF_PROTOCOL = '/ixj/proof/1'

/** One connection, until its hello has come to an end, and what came of it. */
interface Greeting {
  /** Cancels the end of its time. */
  readonly stop: () => void
  begun: boolean
  neighbour?: Exchange
}

/** What greeting needs beside the node's own context. */
interface GreetingsContext extends Pick<
  NeighboursContext,
  'clock' | 'transport' | 'hello' | 'report'
> {
  /** Takes in a node that proved its name. @throws TrustError `revoked` */
  admit(peer: Peer, greeted: Greeted): Exchange
  /** The peer as it was admitted. */
  admitted(peer: Peer): Exchange | undefined
}

/** Connections that have not passed hello: one hello each, within its time. */
export class Greetings {
  readonly #context: GreetingsContext
  readonly #open = new Map<Peer, Greeting>()
  /** Connections that were refused and end soon: what cancels that. */
  readonly #ending = new Map<Peer, () => void>()

  constructor(context: GreetingsContext) {
    this.#context = context
  }

  /** Whether a connection stands that has not passed. */
  has(peer: Peer): boolean {
    return this.#open.has(peer)
  }

  /** A connection stands: the initiator begins the hello. */
  connected(peer: Peer, initiator: boolean): void {
    const { clock, transport } = this.#context
    const stop = clock.at(clock.now() + HELLO_MS, () => void transport.disconnect(peer))
    const greeting = { stop, begun: initiator }
    this.#open.set(peer, greeting)
    if (initiator) void this.#initiate(peer, greeting)
  }

  /** The last connection has ended. */
  disconnected(peer: Peer): void {
    this.#end(peer)
    this.#ending.get(peer)?.()
    this.#ending.delete(peer)
  }

  /** The other side opened a hello; false if none is waited for. */
  channel(peer: Peer, channel: Channel): boolean {
    const greeting = this.#open.get(peer)
    // One hello for a connection: each costs us a chain and signatures.
    if (greeting?.begun !== false) return false
    greeting.begun = true
    void this.#respond(peer, channel, greeting)
    return true
  }

  async #initiate(peer: Peer, greeting: Greeting): Promise<void> {
    const { transport, hello } = this.#context
    try {
      const channel = await transport.openChannel(peer, HELLO_PROTOCOL)
      const ends = { initiator: transport.peerFor?.(peer) ?? transport.peer, responder: peer }
      const greeted = await initiateHello(channel, ends, hello)
      await channel.close()
      const neighbour = this.#admit(peer, greeting, greeted)
      neighbour?.attach(await transport.openChannel(peer, PROOF_PROTOCOL))
    } catch (cause) {
      this.#refuse(peer, greeting, { cause, afterMs: 0 })
    }
  }

  async #respond(peer: Peer, channel: Channel, greeting: Greeting): Promise<void> {
    const { transport, hello } = this.#context
    try {
      const ends = { initiator: peer, responder: transport.peerFor?.(peer) ?? transport.peer }
      const admit = (greeted: Greeted): void => void this.#admit(peer, greeting, greeted)
      await respondHello(channel, ends, hello, admit)
    } catch (cause) {
      // The other side is told the code; ended at once, the connection would lose it.
      this.#refuse(peer, greeting, { cause, afterMs: REFUSAL_MS })
    }
  }

  #admit(peer: Peer, greeting: Greeting, greeted: Greeted): Exchange | undefined {
    // The connection may have ended while the proof was checked, and another have come.
    if (this.#open.get(peer) !== greeting) return undefined
    const neighbour = this.#context.admit(peer, greeted)
    greeting.neighbour = neighbour
    this.#end(peer)
    return neighbour
  }

  #refuse(
    peer: Peer,
    greeting: Greeting,
    refused: { readonly cause: unknown; readonly afterMs: number },
  ): void {
    const { clock, transport, report } = this.#context
    report({ kind: 'hello-refused', peer, cause: refused.cause })
    if (this.#isOver(peer, greeting)) return
    const waits = this.#open.has(peer) && refused.afterMs > 0
    this.#end(peer)
    const end = () => void transport.disconnect(peer)
    if (!waits) end()
    else this.#ending.set(peer, clock.at(clock.now() + refused.afterMs, end))
  }

  /** Whether another connection to the peer has come since: what failed is not its fault. */
  #isOver(peer: Peer, greeting: Greeting): boolean {
    const [current, admitted] = [this.#open.get(peer), this.#context.admitted(peer)]
    if (current !== undefined) return current !== greeting
    return admitted !== undefined && admitted !== greeting.neighbour
  }

  #end(peer: Peer): void {
    this.#open.get(peer)?.stop()
    this.#open.delete(peer)
  }
}
