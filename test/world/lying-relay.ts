import { decodeSocketFrame, encodeSocketFrame, type SocketFrame } from '@ixj/agent/relay'
import { TrustError } from '@ixj/trust'
import { seededRandom } from './random.ts'

/** What a relay does to messages on their way to a page. */
type Deed = 'drop' | 'forge' | 'pass' | 'repeat' | 'reorder'
const DEEDS: readonly Deed[] = ['drop', 'forge', 'pass', 'repeat', 'reorder']

/** The relay that lies; `isLying` lets a page in first. */
export class LyingRelay {
  isLying = false
  readonly done: Record<Deed, number> = { drop: 0, forge: 0, pass: 0, repeat: 0, reorder: 0 }
  readonly #random: () => number
  #held: Uint8Array | undefined

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  /** What arrives in place of a frame. Repair is refused: it goes the way of all that is dropped. */
  tell(bytes: Uint8Array): readonly Uint8Array[] {
    const frame = this.isLying ? frameOf(bytes) : undefined
    // A page that has cut the liar calls again: what was held back for the last call is lost with it.
    if (this.isLying && frame === undefined) this.#held = undefined
    if (frame?.kind === 'data') return []
    if (frame?.kind !== 'message') return [bytes]
    const deed = DEEDS[Math.floor(this.#random() * DEEDS.length)] ?? 'pass'
    this.done[deed] += 1
    return this.#lie(deed, frame, bytes)
  }

  #lie(
    deed: Deed,
    frame: Extract<SocketFrame, { kind: 'message' }>,
    bytes: Uint8Array,
  ): readonly Uint8Array[] {
    switch (deed) {
      case 'drop':
        return []
      case 'pass':
        return [bytes]
      case 'repeat':
        return [bytes, bytes, bytes]
      case 'forge': {
        const forged = frame.bytes.slice()
        const at = Math.floor(this.#random() * forged.length)
        forged[at] = (forged[at] ?? 0) ^ (1 << Math.floor(this.#random() * 8))
        return [encodeSocketFrame({ ...frame, bytes: forged })]
      }
      case 'reorder': {
        const before = this.#held
        this.#held = bytes
        return before === undefined ? [] : [before]
      }
    }
  }
}

/** Undefined: it belongs to a login. */
function frameOf(bytes: Uint8Array): SocketFrame | undefined {
  try {
    return decodeSocketFrame(bytes)
  } catch (cause) {
    if (cause instanceof TrustError && cause.code === 'unsupported') return undefined
    throw cause
  }
}
