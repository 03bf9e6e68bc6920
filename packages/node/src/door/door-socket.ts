import type { Clock } from '@ixj/agent'
import {
  type Challenge,
  type Cut,
  cutOf,
  encodeChallenge,
  type LoggedIn,
  LoginError,
  type LoginIdentity,
  type SocketPort,
  type SocketSession,
  takeLogin,
} from '@ixj/agent/relay'
import { TrustError } from '@ixj/trust'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { DoorCounts, DoorCut } from './counts.ts'
import {
  CONTROL_HEAD_BYTES,
  DOOR_FRAME_COST_BYTES,
  DOOR_LOGIN_AGAIN_MS,
  DOOR_PAUSE_MS,
  DOOR_STALL_MS,
  type DoorLimits,
} from './limits.ts'
import { Meter } from './meter.ts'

/** What a socket of a door asks of it. */
export interface DoorSocketHooks {
  readonly limits: DoorLimits
  readonly clock: Clock
  readonly counts: DoorCounts
  readonly identity: LoginIdentity
  /** A login held: the socket is a neighbour from now on. @throws TransportError `closed` */
  join(page: LoggedIn, port: SocketPort): SocketSession
  ended(socket: DoorSocket): void
}

/** The part of a TCP or TLS socket by which one sees whether anything moves. */
interface Moving extends Duplex {
  readonly bytesRead?: number
  readonly bytesWritten?: number
}

/** One upgraded socket: login, then frames, until either side or a limit ends it. */
export class DoorSocket implements SocketPort {
  /** What of its address is charged. */
  readonly group: string
  readonly #socket: WebSocket
  readonly #stream: Moving
  readonly #origin: string
  readonly #challenge: Challenge
  readonly #hooks: DoorSocketHooks
  readonly #frames: Meter
  readonly #bytes: Meter
  #cancelLogin: (() => void) | undefined
  #cancelResume: (() => void) | undefined
  #cancelClose: (() => void) | undefined
  #session: SocketSession | undefined
  #isChecking = false
  #isCut = false
  #heardAt: number
  #pinged = false
  /** Bytes read when the last frame was whole, and since when more have come. */
  #readWhole: number
  /** Bytes of control frames: they say that somebody is there, not that a frame goes on. */
  #readControl = 0
  #partSince: number | undefined
  /** Frames that were given to the socket and have not left. */
  #waitingFrames = 0
  /** Bytes that have left, and since when no more have, while some wait. */
  #sent = 0
  #stuckSince: number | undefined

  constructor(
    socket: WebSocket,
    of: {
      readonly stream: Duplex
      readonly group: string
      readonly origin: string
      readonly challenge: Challenge
    },
    hooks: DoorSocketHooks,
  ) {
    this.group = of.group
    this.#socket = socket
    this.#stream = of.stream
    this.#origin = of.origin
    this.#challenge = of.challenge
    this.#hooks = hooks
    const { clock, limits } = hooks
    const now = clock.now()
    this.#heardAt = now
    this.#readWhole = this.#stream.bytesRead ?? 0
    this.#frames = new Meter(limits.framesPerSecond, now)
    this.#bytes = new Meter(limits.bytesPerSecond, now)
    this.#waitForLogin(now + limits.loginMs, true)
    socket.on('message', (data, isBinary) => this.#message(data as Buffer, isBinary))
    for (const event of ['ping', 'pong'] as const) {
      socket.on(event, (data: Buffer) => this.#controlled(data.length))
    }
    socket.on('error', (cause) => this.#failed(cause))
    socket.on('close', () => this.#closed())
    this.send(encodeChallenge(of.challenge))
  }

  /** All sockets of one address pay together. */
  get payer(): string {
    return this.group
  }

  /** Bytes that wait to be sent, and what holds them. */
  get waitingBytes(): number {
    return this.#socket.bufferedAmount + this.#waitingFrames * DOOR_FRAME_COST_BYTES
  }

  /** Whether hello has admitted it. */
  get isAdmitted(): boolean {
    return this.#session?.isAdmitted === true
  }

  send(frame: Uint8Array): void {
    if (this.#isCut) return
    this.#hooks.counts.framesOut += 1
    this.#hooks.counts.bytesOut += frame.length
    this.#waitingFrames += 1
    // An error of it comes as an event.
    this.#socket.send(frame, { binary: true, compress: false }, () => {
      this.#waitingFrames -= 1
    })
  }

  end(cut: Cut): void {
    if (this.#isCut) return
    this.#cut(cut.reason)
    // Who does not read would not read this either, and what waits for it is to go now.
    if (this.waitingBytes > 0 && cut.reason !== 'draining') this.#socket.terminate()
    else this.#socket.close(cut.code, cut.text)
  }

  /** Ends it without a word. */
  terminate(): void {
    this.#isCut = true
    this.#socket.terminate()
  }

  /** It could not be heard for so long, since this process was held up. */
  excuse(lateMs: number, now: number): void {
    this.#heardAt = Math.min(now, this.#heardAt + lateMs)
  }

  /** Looks whether it is alive, and whether what was begun goes on. */
  sweep(now: number): void {
    if (this.#isCut) return
    const { limits } = this.#hooks
    const { bytesRead = 0 } = this.#stream
    // Also while it is not read on, which is some ms at a time: else it could pause itself for ever.
    if (!this.#isWhole(bytesRead)) this.#partSince ??= now
    const sent = (this.#stream.bytesWritten ?? 0) - this.#stream.writableLength
    if (this.waitingBytes === 0 || sent > this.#sent) this.#stuckSince = undefined
    else this.#stuckSince ??= now
    this.#sent = sent
    const since = Math.min(this.#partSince ?? now, this.#stuckSince ?? now)
    if (now - since >= limits.progressMs) return this.end(cutOf('slow'))
    const silentMs = now - this.#heardAt
    if (silentMs >= 2 * limits.idleMs) return this.end(cutOf('silent'))
    if (silentMs < limits.idleMs || this.#pinged) return
    this.#pinged = true
    this.#socket.ping()
  }

  /** Where this process was held up, it has some time more, once. */
  #waitForLogin(until: number, mayExcuse: boolean): void {
    const { clock } = this.#hooks
    this.#cancelLogin = clock.at(until, () => {
      this.#cancelLogin = undefined
      if (this.isAdmitted) return
      const now = clock.now()
      if (mayExcuse && now - until >= DOOR_STALL_MS) {
        this.#waitForLogin(now + DOOR_LOGIN_AGAIN_MS, false)
      } else this.end(cutOf('not-admitted'))
    })
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.#isCut) return
    const { counts } = this.#hooks
    counts.framesIn += 1
    counts.bytesIn += data.length
    this.#heard()
    this.#readWhole = (this.#stream.bytesRead ?? 0) - this.#readControl
    this.#partSince = undefined
    this.#meter(data.length)
    if (!isBinary) return this.end(cutOf('text'))
    if (this.#session !== undefined) return this.#session.receive(data)
    // Whoever sends more before the answer has not waited for it.
    if (this.#isChecking) return this.end(cutOf('login', 'more came before it was answered'))
    this.#isChecking = true
    void this.#login(data)
  }

  /** A ping, which ws has answered, or a pong. It counts like any frame, and is no progress. */
  #controlled(bytes: number): void {
    if (this.#isCut) return
    this.#readControl += CONTROL_HEAD_BYTES + bytes
    if (this.#isWhole(this.#stream.bytesRead ?? 0)) this.#partSince = undefined
    this.#heard()
    this.#meter(CONTROL_HEAD_BYTES + bytes)
  }

  /** Whether all that was read was messages and control frames, and no part of a message. */
  #isWhole(bytesRead: number): boolean {
    return bytesRead - this.#readControl === this.#readWhole
  }

  async #login(bytes: Uint8Array): Promise<void> {
    const { identity, counts } = this.#hooks
    const by = { challenge: this.#challenge, origin: this.#origin }
    try {
      const { page, answer } = await takeLogin(bytes, by, identity)
      if (this.#isCut) return
      counts.logins += 1
      this.send(answer)
      this.#session = this.#hooks.join(page, this)
    } catch (cause) {
      if (cause instanceof LoginError) return this.end(cutOf('login', cause.code))
      if (cause instanceof TrustError) return this.end(cutOf('login', cause.message))
      // A transport that has ended, or a bug: neither is the fault of the other side.
      this.end(cutOf('closed'))
      if (!(cause instanceof Error) || cause.name !== 'TransportError') throw cause
    }
  }

  /** Past its rate a socket is not read, so that TCP holds its sender up. */
  #meter(bytes: number): void {
    const { clock, counts } = this.#hooks
    const now = clock.now()
    this.#frames.take(1, now)
    this.#bytes.take(bytes, now)
    if ((this.#frames.isOver || this.#bytes.isOver) && this.#cancelResume === undefined) {
      counts.paused += 1
      this.#socket.pause()
      this.#resumeLater()
    }
  }

  #resumeLater(): void {
    const { clock } = this.#hooks
    this.#cancelResume = clock.at(clock.now() + DOOR_PAUSE_MS, () => {
      this.#cancelResume = undefined
      const now = clock.now()
      this.#frames.take(0, now)
      this.#bytes.take(0, now)
      if (this.#frames.isOver || this.#bytes.isOver) this.#resumeLater()
      else this.#socket.resume()
    })
  }

  #heard(): void {
    this.#heardAt = this.#hooks.clock.now()
    this.#pinged = false
  }

  /** What ws refuses by itself it also ends. */
  #failed(cause: Error & { readonly code?: string }): void {
    if (this.#isCut) return
    const { code } = cause
    if (code === undefined || !code.startsWith('WS_ERR')) return
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#cut('too-large')
    else if (code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') this.#cut('fragments')
    else this.#cut('protocol')
  }

  #cut(reason: DoorCut): void {
    this.#isCut = true
    this.#hooks.counts.cuts[reason] += 1
    const { clock, limits } = this.#hooks
    this.#cancelClose = clock.at(clock.now() + limits.closeMs, () => this.#socket.terminate())
    // A socket that is not read would not see the other side's part of the handshake.
    this.#cancelResume?.()
    this.#cancelResume = undefined
    if (this.#socket.isPaused) this.#socket.resume()
  }

  #closed(): void {
    this.#isCut = true
    this.#cancelLogin?.()
    this.#cancelClose?.()
    this.#cancelResume?.()
    this.#cancelResume = undefined
    this.#session?.ended()
    this.#hooks.ended(this)
  }
}
