import { DELIVER_WINDOW_BUNDLES_MAX, DELIVER_WINDOW_BYTES_MAX } from '../limits.ts'
import type { Channel } from '../transport.ts'
import { decodeAcknowledgement, type Acknowledgement } from './acknowledgement.ts'
import type { DirectBundle } from './direct-bundle.ts'
import type { SharedRoom } from './shared-room.ts'

/** What a stream tells its owner. */
export interface OutgoingHooks {
  now(): number
  /** Whether the neighbour may receive the inbox at this moment. */
  mayReceive(bundle: DirectBundle): boolean
  /** Room for what is under way to all hosts. */
  readonly room: SharedRoom
  /** Its right ended before the bundle was sent, or there is no room for it any more. */
  unwanted(bundle: DirectBundle): void
  /**
   * The host has refused it with this code; whether it will be offered again, since the reason
   * passes by itself.
   */
  putOff(bundle: DirectBundle, code: string): boolean
  /** The host has decided about a bundle: null if it was accepted, else its code. */
  decided(bundle: DirectBundle, code: string | null): void
  /** It was full, and takes bundles again. */
  hasRoom(): void
  /**
   * The stream has ended; these were never acknowledged. `answered`: some were before. Without a
   * cause the other side ended it in good order.
   */
  ended(left: readonly DirectBundle[], how: { readonly answered: boolean; cause?: unknown }): void
}

/**
 * The sending end of one direct stream. Bundles are under way, in order and several at once, until
 * the host acknowledges them: at most 4 MiB and 1,024 bundles.
 */
export class Outgoing {
  readonly #hooks: OutgoingHooks
  readonly #unacknowledged: DirectBundle[] = []
  #bytes = 0
  /** The last place that was acknowledged. */
  #through = 0
  #channel: Channel | undefined
  /** Somebody was told that there is no room. */
  #full = false
  #ended = false
  #takenAt: number
  /** When it acknowledged something the last time, or the first was put under way since. */
  #heardAt: number
  readonly #leaveRoom: () => void
  #drained: PromiseWithResolvers<void> | undefined

  /** The stream stands when `opening` resolves; what is pushed before waits for it. */
  constructor(opening: Promise<Channel>, hooks: OutgoingHooks) {
    this.#hooks = hooks
    this.#takenAt = hooks.now()
    this.#heardAt = this.#takenAt
    this.#leaveRoom = hooks.room.share()
    void this.#run(opening)
  }

  /** When a bundle was put under way, or acknowledged, the last time; ms since the Unix epoch. */
  get takenAt(): number {
    return this.#takenAt
  }

  /** Whether it has let what is under way wait for so long. */
  isSilent(ms: number): boolean {
    return this.#unacknowledged.length > 0 && this.#hooks.now() - this.#heardAt > ms
  }

  /** Puts a bundle under way; false if there is no room for it. */
  push(bundle: DirectBundle): boolean {
    const { length } = bundle.bytes
    if (this.#ended) return false
    if (!this.#hasRoom(length)) {
      this.#full = true
      return false
    }
    this.#hold(length)
    this.#takenAt = this.#hooks.now()
    if (this.#unacknowledged.length === 0) this.#heardAt = this.#takenAt
    this.#unacknowledged.push(bundle)
    if (this.#channel !== undefined) this.#send(this.#channel, bundle)
    return true
  }

  /** Resolves when nothing is under way any more. */
  drained(): Promise<void> {
    if (this.#unacknowledged.length === 0 || this.#ended) return Promise.resolve()
    this.#drained ??= Promise.withResolvers()
    return this.#drained.promise
  }

  /** Ends the stream; what is under way is left to the owner. */
  close(): void {
    this.#end({})
  }

  async #run(opening: Promise<Channel>): Promise<void> {
    try {
      const channel = await opening
      if (this.#ended) return await channel.close()
      this.#begin(channel)
      for await (const frame of channel.frames()) this.#take(frame)
      this.#end({})
    } catch (cause) {
      this.#end({ cause })
    }
  }

  #begin(channel: Channel): void {
    this.#channel = channel
    const waiting = this.#unacknowledged.splice(0)
    this.#hold(-this.#bytes)
    for (const bundle of waiting) {
      // Rights may have ended while the stream opened.
      const isUnderWay = this.#hooks.mayReceive(bundle) && this.push(bundle)
      if (!isUnderWay) this.#hooks.unwanted(bundle)
    }
  }

  #hasRoom(bytes: number): boolean {
    return (
      this.#unacknowledged.length < DELIVER_WINDOW_BUNDLES_MAX &&
      this.#bytes + bytes <= DELIVER_WINDOW_BYTES_MAX &&
      this.#hooks.room.has(bytes, this.#bytes)
    )
  }

  #hold(bytes: number): void {
    this.#bytes += bytes
    this.#hooks.room.change(bytes)
  }

  #send(channel: Channel, bundle: DirectBundle): void {
    // Its own buffer may be full: the window bounds what waits here, and order is the channel's.
    channel.send(bundle.bytes).catch((cause: unknown) => this.#end({ cause }))
  }

  #take(frame: Uint8Array): void {
    const before = this.#through
    const sent = before + this.#unacknowledged.length
    const acknowledged = decodeAcknowledgement(frame, { before, sent })
    this.#through = acknowledged.through
    this.#takenAt = this.#hooks.now()
    this.#heardAt = this.#takenAt
    const decided = this.#unacknowledged.splice(0, acknowledged.through - before)
    this.#hold(-decided.reduce((sum, { bytes }) => sum + bytes.length, 0))
    this.#tell(decided, acknowledged, before)
    if (this.#unacknowledged.length === 0) this.#drained?.resolve()
    if (!this.#full) return
    this.#full = false
    this.#hooks.hasRoom()
  }

  #tell(decided: readonly DirectBundle[], { refused }: Acknowledgement, before: number): void {
    const codes = new Map(refused.map(({ place, code }) => [place - before - 1, code]))
    for (const [index, bundle] of decided.entries()) {
      const code = codes.get(index)
      // A copy of what was sent again: the host has it.
      const outcome = code === undefined || code === 'duplicate' ? null : code
      if (outcome !== null && this.#hooks.putOff(bundle, outcome)) continue
      this.#hooks.decided(bundle, outcome)
      bundle.decided(outcome)
      bundle.land()
    }
  }

  #end(how: { readonly cause?: unknown }): void {
    if (this.#ended) return
    this.#ended = true
    this.#drained?.resolve()
    void this.#channel?.close()
    const left = this.#unacknowledged.splice(0)
    this.#hold(-this.#bytes)
    this.#leaveRoom()
    this.#hooks.ended(left, { ...how, answered: this.#through > 0 })
  }
}
