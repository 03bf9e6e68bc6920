import type { Peer } from '@ixj/agent'
import {
  answerChallenge,
  type Cut,
  cutOf,
  decodeChallenge,
  type LoggedIn,
  LoginError,
  type LoginIdentity,
  type PageLogin,
  type SocketPort,
  type SocketSession,
} from '@ixj/agent/relay'
import type { Name } from '@ixj/names'
import { TrustError } from '@ixj/trust'

/** Before a relay is called again: doubled with each failure, and a chance of half of it. */
export const RELAY_RETRY_MS = 500
/** The longest of these waits. */
export const RELAY_RETRY_MS_MAX = 15_000
/** From the call to the end of login; hello has its own time. */
export const RELAY_LOGIN_MS = 10_000
/** A closing handshake; a relay that does not answer is forgotten after that. */
const CLOSE_MS = 1_000
/** Frames that are kept while a relay's answer is checked. */
const EARLY_FRAMES_MAX = 64

/** The part of the platform's WebSocket that is used. */
export interface PageSocket {
  binaryType: string
  readonly bufferedAmount: number
  addEventListener(type: 'message', run: (event: { readonly data: unknown }) => void): void
  addEventListener(
    type: 'close',
    run: (event: { readonly code: number; readonly reason: string }) => void,
  ): void
  addEventListener(type: 'error', run: () => void): void
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

/** WebSocket of the platform, or `ws`. */
export type WebSocketClass = new (url: string, protocols: string[]) => PageSocket

/** How it stands with one relay. */
export interface RelayState {
  readonly name: Name
  readonly url: string
  /** `connected`: the relay has proved its key; `admitted`: its name as well. */
  readonly stands: 'admitted' | 'calling' | 'closed' | 'connected' | 'waiting'
  /** Why the last connection ended, in words; empty if none has. */
  readonly lastEnd: string
  /** Calls that failed in a row. */
  readonly failures: number
}

/** What a connection asks of its transport. */
export interface RelayConnectionHooks {
  readonly WebSocket: WebSocketClass
  readonly subprotocol: string
  readonly origin: string
  readonly identity: LoginIdentity
  join(relay: LoggedIn, port: SocketPort): SocketSession
  has(peer: Peer): boolean
  changed(): void
}

/** The way to one relay: called, logged in, and called again when it is lost. */
export class RelayConnection {
  readonly #relay: { readonly url: string; readonly name: Name }
  readonly #hooks: RelayConnectionHooks
  #stands: RelayState['stands'] = 'waiting'
  #lastEnd = ''
  #failures = 0
  #peer: Peer | undefined
  #socket: PageSocket | undefined
  #cancel: (() => void) | undefined

  constructor(relay: { readonly url: string; readonly name: Name }, hooks: RelayConnectionHooks) {
    this.#relay = relay
    this.#hooks = hooks
  }

  get state(): RelayState {
    const { name, url } = this.#relay
    return { name, url, stands: this.#stands, lastEnd: this.#lastEnd, failures: this.#failures }
  }

  /** Calls it, unless it is connected or being called. */
  callNow(): void {
    if (this.#stands !== 'waiting') return
    this.#cancel?.()
    this.#call()
  }

  /** Hello has admitted this peer: the wait before the next call is short again. */
  admitted(peer: Peer): void {
    if (peer !== this.#peer || this.#stands !== 'connected') return
    this.#failures = 0
    this.#turn('admitted')
  }

  /** Ends it, and calls no more. */
  close(cut: Cut): void {
    this.#cancel?.()
    if (this.#socket !== undefined) endSocket(this.#socket, cut)
    this.#turn('closed')
  }

  #turn(stands: RelayState['stands']): void {
    if (this.#stands === 'closed') return
    this.#stands = stands
    this.#hooks.changed()
  }

  #call(): void {
    const { WebSocket, subprotocol, identity } = this.#hooks
    const { clock } = identity
    this.#turn('calling')
    let socket: PageSocket
    try {
      socket = new WebSocket(this.#relay.url, [subprotocol])
    } catch (cause) {
      // A URL that is none; it may be told to a person, and is tried no less often than any other.
      this.#lost(cause instanceof Error ? cause.message : String(cause))
      return
    }
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    const attempt = new Attempt(this.#relay.name, this.#hooks, {
      socket,
      joined: (peer) => {
        this.#cancel?.()
        this.#peer = peer
        this.#turn('connected')
      },
    })
    this.#cancel = clock.at(clock.now() + RELAY_LOGIN_MS, () =>
      ended(1006, `no login within ${RELAY_LOGIN_MS} ms`),
    )
    let isOver = false
    const ended = (code: number, reason: string): void => {
      if (isOver) return
      isOver = true
      this.#cancel?.()
      endSocket(socket, cutOf('closed'))
      attempt.ended()
      this.#lost(attempt.failure ?? (reason === '' ? `it ended with code ${code}` : reason))
    }
    attempt.end = (cut) => {
      endSocket(socket, cut)
      // Browsers wait long for the other side's part of the handshake.
      clock.at(clock.now() + CLOSE_MS, () => ended(cut.code, cut.text))
    }
    socket.addEventListener('message', ({ data }) => attempt.message(data))
    socket.addEventListener('close', ({ code, reason }) => ended(code, reason))
    // It tells nothing that the end, which follows it, does not tell better.
    socket.addEventListener('error', () => undefined)
  }

  #lost(why: string): void {
    this.#socket = undefined
    this.#peer = undefined
    if (this.#stands === 'closed') return
    this.#lastEnd = why
    this.#failures += 1
    this.#turn('waiting')
    const { clock, random } = this.#hooks.identity
    const most = Math.min(RELAY_RETRY_MS * 2 ** (this.#failures - 1), RELAY_RETRY_MS_MAX)
    const chance = (random(1)[0] ?? 0) / 256
    this.#cancel = clock.at(clock.now() + most / 2 + (most / 2) * chance, () => this.#call())
  }
}

/** One call: the relay's challenge, our login, its answer, then frames. */
class Attempt implements SocketPort {
  readonly #relay: Name
  readonly #hooks: RelayConnectionHooks
  readonly #socket: PageSocket
  readonly #joined: (peer: Peer) => void
  #login: PageLogin | undefined
  #session: SocketSession | undefined
  #isBusy = false
  #isOver = false
  readonly #waiting: Uint8Array[] = []
  /** Why it came to nothing, where we know better than the other side. */
  failure: string | undefined
  end: (cut: Cut) => void = () => undefined

  constructor(
    relay: Name,
    hooks: RelayConnectionHooks,
    of: { readonly socket: PageSocket; readonly joined: (peer: Peer) => void },
  ) {
    this.#relay = relay
    this.#hooks = hooks
    this.#socket = of.socket
    this.#joined = of.joined
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount
  }

  send(frame: Uint8Array): void {
    // What encode gives has a buffer of its own kind; a socket takes no shared memory.
    this.#socket.send(frame as Uint8Array<ArrayBuffer>)
  }

  message(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return this.#fail(cutOf('text'), 'its frame was no bytes')
    const bytes = new Uint8Array(data)
    if (this.#session !== undefined) return this.#session.receive(bytes)
    if (this.#isBusy) return this.#early(bytes)
    this.#isBusy = true
    void this.#next(bytes)
  }

  ended(): void {
    this.#isOver = true
    this.#session?.ended()
  }

  async #next(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#login === undefined) await this.#answer(bytes)
      else await this.#finish(this.#login, bytes)
    } catch (cause) {
      const isTold = cause instanceof LoginError || cause instanceof TrustError
      this.#fail(cutOf('login'), cause instanceof Error ? cause.message : String(cause))
      if (!isTold && !(cause instanceof Error && cause.name === 'TransportError')) throw cause
    }
  }

  async #answer(bytes: Uint8Array): Promise<void> {
    const { origin, identity } = this.#hooks
    const to = { relay: this.#relay, origin }
    this.#login = await answerChallenge(decodeChallenge(bytes), to, identity)
    if (this.#isOver) return
    this.send(this.#login.bytes)
    this.#isBusy = false
  }

  async #finish(login: PageLogin, bytes: Uint8Array): Promise<void> {
    const relay = await login.finish(bytes)
    const { peer } = relay
    // It ended while its answer was checked: there is nobody to be connected with.
    if (this.#isOver) return
    // Two addresses of one relay must not end each other.
    if (this.#hooks.has(peer)) throw new LoginError('peer', `${peer} is connected already`)
    this.#session = this.#hooks.join(relay, this)
    this.#joined(peer)
    for (const frame of this.#waiting.splice(0)) this.#session.receive(frame)
  }

  /** While its answer is checked a relay may go on; before that it has nothing to say. */
  #early(bytes: Uint8Array): void {
    if (this.#login === undefined || this.#waiting.length >= EARLY_FRAMES_MAX) {
      return this.#fail(cutOf('login'), 'it said more than a login needs')
    }
    this.#waiting.push(bytes)
  }

  #fail(cut: Cut, why: string): void {
    this.failure = why
    this.end(cut)
  }
}

function endSocket(socket: PageSocket, { code, text }: Cut): void {
  // Pages may send 1000 and 3000 to 4999 alone.
  socket.close(code === 1000 || code >= 3_000 ? code : 4_400, text)
}
