import { TrustError } from '@ixj/trust'
import type { Clock } from '../clock.ts'
import type { GossipFrame, GossipMessage, GossipWish, Link, LinkEnd } from '../gossip/link.ts'
import { type Channel, type Peer, TransportError } from '../transport.ts'
import { type Cut, type CutReason, cutOf } from './cut.ts'
import { SOCKET_CHANNELS_MAX, SOCKET_ROOM_MS } from './limits.ts'
import type { LoggedIn } from './login.ts'
import { type ChannelSocket, SocketChannel } from './socket-channel.ts'
import { decodeSocketFrame, encodeSocketFrame, type SocketFrame } from './socket-frames.ts'

/** A WebSocket after login, of a page or of a server. */
export interface SocketPort {
  /** Sends one binary frame, or keeps it until it can. */
  send(frame: Uint8Array): void
  /** Bytes that were given to `send` and are not sent yet. */
  readonly waitingBytes: number
  /** Who pays for what it takes, if not it alone. */
  readonly payer?: string
  /** Ends the socket and tells the other side why. Calling it twice is fine. */
  end(cut: Cut): void
}

/** What links tell their transport, and what it decides for all of them. */
export interface LinkHooks {
  readonly clock: Clock
  /** Past that, channels wait and messages are not taken. */
  readonly waitingBytesMax: number
  gossip(link: SocketLink, frame: GossipFrame, bytes: number): void
  /** Whether a channel of this protocol is taken now. */
  takes(link: SocketLink, protocol: string): boolean
  channel(link: SocketLink, protocol: string, channel: Channel): void
}

interface Opening {
  readonly channel: SocketChannel
  readonly settle: (taken: boolean) => void
}

/** One logged-in socket: channels both ways, and gossip beside them. */
export class SocketLink implements ChannelSocket, Link {
  readonly login: LoggedIn
  /** Channels of the side that called have odd ids. */
  readonly #called: boolean
  readonly #port: SocketPort
  readonly #hooks: LinkHooks
  readonly #channels = new Map<number, SocketChannel>()
  readonly #openings = new Map<number, Opening>()
  readonly #waiting = new Set<SocketChannel>()
  #cancelLook: (() => void) | undefined
  #nextId: number
  #ended = false

  constructor(
    port: SocketPort,
    of: { readonly login: LoggedIn; readonly called: boolean },
    hooks: LinkHooks,
  ) {
    this.login = of.login
    this.#called = of.called
    this.#port = port
    this.#hooks = hooks
    this.#nextId = of.called ? 1 : 2
  }

  get peer(): Peer {
    return this.login.peer
  }

  /** Who pays for what this side takes. */
  get payer(): string {
    return this.#port.payer ?? this.peer
  }

  /** Takes one binary frame of the other side; one that is none ends the socket. */
  receive(bytes: Uint8Array): void {
    if (this.#ended) return
    try {
      this.#take(decodeSocketFrame(bytes), bytes.length)
    } catch (cause) {
      if (!(cause instanceof TrustError)) throw cause
      this.end('form', cause.message)
    }
  }

  /** @throws TransportError `refused`, `closed`; the signal's reason */
  async openChannel(protocol: string, signal?: AbortSignal): Promise<Channel> {
    signal?.throwIfAborted()
    const { peer } = this
    if (this.#ended) throw gone(peer, protocol)
    if (this.#channels.size >= SOCKET_CHANNELS_MAX) throw refusal(peer, protocol)
    const channel = new SocketChannel(this.#nextId, this)
    this.#nextId += 2
    const { promise, resolve, reject } = Promise.withResolvers<Channel>()
    const settle = (taken: boolean): void => {
      if (taken) return resolve(channel)
      channel.finish({})
      reject(this.#ended ? gone(peer, protocol) : refusal(peer, protocol))
    }
    const aborted = (): void => {
      void channel.close()
      reject(signal?.reason)
    }
    this.#channels.set(channel.id, channel)
    this.#openings.set(channel.id, { channel, settle })
    signal?.addEventListener('abort', aborted, { once: true })
    this.send({ kind: 'open', channel: channel.id, protocol })
    try {
      return await promise
    } finally {
      this.#openings.delete(channel.id)
      signal?.removeEventListener('abort', aborted)
    }
  }

  /** Whether the socket takes more. */
  hasRoom(bytes = 0): boolean {
    return this.#port.waitingBytes + bytes <= this.#hooks.waitingBytesMax
  }

  waitForRoom(channel: SocketChannel): void {
    this.#waiting.add(channel)
    const { clock } = this.#hooks
    this.#cancelLook ??= clock.at(clock.now() + SOCKET_ROOM_MS, () => {
      this.#cancelLook = undefined
      const waiting = [...this.#waiting]
      this.#waiting.clear()
      for (const each of waiting) each.pump()
    })
  }

  send(frame: SocketFrame): void {
    this.#sendBytes(encodeSocketFrame(frame))
  }

  tell(wish: GossipWish): void {
    this.send(wish)
  }

  hand(message: GossipMessage): boolean {
    if (!this.hasRoom(message.bytes.length)) return false
    this.#sendBytes((message.encoded ??= encodeSocketFrame(message)))
    return true
  }

  ended(channel: SocketChannel): void {
    this.#channels.delete(channel.id)
    this.#waiting.delete(channel)
  }

  /** Ends the socket; on this side everything on it has ended at once. */
  end(why: CutReason & (LinkEnd | 'form'), detail = ''): void {
    const waiting = `${this.#port.waitingBytes} bytes wait`
    this.#port.end(cutOf(why, why === 'backlog' ? waiting : detail))
    this.finish()
  }

  /** The socket has ended: so has everything on it. */
  finish(): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancelLook?.()
    const error = new TransportError('closed', `The connection to "${this.peer}" has ended`)
    for (const { settle } of this.#openings.values()) settle(false)
    for (const channel of this.#channels.values()) channel.finish({ error })
  }

  #sendBytes(frame: Uint8Array): void {
    if (!this.#ended) this.#port.send(frame)
  }

  #take(frame: SocketFrame, bytes: number): void {
    switch (frame.kind) {
      case 'open':
        return this.#offered(frame.channel, frame.protocol)
      case 'opened':
      case 'refused':
        return this.#openings.get(frame.channel)?.settle(frame.kind === 'opened')
      case 'close':
        return this.#channels.get(frame.channel)?.finish({})
      case 'data':
        // One that has ended here may have something under way still.
        return this.#holdTo(this.#channels.get(frame.channel)?.arrived(frame.bytes), 'window')
      case 'read':
        return this.#holdTo(this.#channels.get(frame.channel)?.wasRead(frame.count), 'credit')
      case 'subscribe':
      case 'unsubscribe':
      case 'message':
        return this.#hooks.gossip(this, frame, bytes)
    }
  }

  #holdTo(isKept: boolean | undefined, rule: string): void {
    if (isKept !== false) return
    throw new TrustError('form', `Cannot take frame: it breaks the ${rule} of its channel`)
  }

  #offered(id: number, protocol: string): void {
    const isTheirs = (id % 2 === 0) === this.#called
    if (!isTheirs || this.#channels.has(id)) {
      throw new TrustError('form', `Cannot take channel ${id}: it is in use, or of this side`)
    }
    if (this.#channels.size >= SOCKET_CHANNELS_MAX || !this.#hooks.takes(this, protocol)) {
      this.send({ kind: 'refused', channel: id })
      return
    }
    const channel = new SocketChannel(id, this)
    this.#channels.set(id, channel)
    this.send({ kind: 'opened', channel: id })
    this.#hooks.channel(this, protocol, channel)
  }
}

function refusal(peer: Peer, protocol: string): TransportError {
  return new TransportError('refused', `"${peer}" does not take a channel "${protocol}" now`)
}

function gone(peer: Peer, protocol: string): TransportError {
  return new TransportError('closed', `Cannot open "${protocol}": "${peer}" has gone`)
}
