import { forgetOldest, toHex } from '@ixj/trust'
import type { Signature } from '../bundles/signed-body.ts'
import { PRESENCE_ECHO_MS_MAX, PRESENCE_ECHOES_MAX, PRESENCE_NODES_MAX } from './limits.ts'
import type { RoundTrip } from '../pipeline/clock-offset.ts'

/** That another node's announcement was heard: its nonce, and how long ago that was. */
export interface Echo {
  readonly nonce: Uint8Array
  /** From its arrival to this announcement's time, by the clock of the node that echoes. */
  readonly heldMs: number
}

/** Our announcements that others may still echo. */
const TOLD_MAX = 16

interface Heard {
  readonly nonce: Uint8Array
  readonly at: number
}

/**
 * Round trips through presence: each node echoes, once, the last announcement that it heard of each
 * other node. Who finds an echo of its own knows that the other's time was signed between two
 * moments of its own clock. Only the two are in it: nobody on the way can make a clock look wrong,
 * and what a node says falsely moves nothing but its own clock.
 */
export class Echoes {
  /** When ours were signed, by nonce in hex; the oldest first. */
  readonly #told = new Map<string, number>()
  /** By key of the node in hex: not echoed yet, the one heard longest ago first. */
  readonly #heard = new Map<string, Heard>()

  /** An announcement of ours is signed now. */
  told(nonce: Uint8Array, now: number): void {
    this.#told.set(toHex(nonce), now)
    forgetOldest(this.#told, TOLD_MAX)
  }

  /** What the next announcement echoes; each is taken once. */
  take(now: number): readonly Echo[] {
    const echoes: Echo[] = []
    for (const [node, { nonce, at }] of this.#heard) {
      if (echoes.length >= PRESENCE_ECHOES_MAX) break
      this.#heard.delete(node)
      const heldMs = now - at
      if (heldMs >= 0 && heldMs <= PRESENCE_ECHO_MS_MAX) echoes.push({ nonce, heldMs })
    }
    return echoes
  }

  /**
   * An announcement of another node came at this time, and holds. What it says of our clocks, if it
   * echoes one of ours.
   */
  heard(
    { signed, echoes }: { readonly signed: Signature; readonly echoes: readonly Echo[] },
    arrivedAt: number,
  ): RoundTrip | undefined {
    const node = toHex(signed.signerKey)
    this.#heard.delete(node)
    this.#heard.set(node, { nonce: signed.nonce, at: arrivedAt })
    forgetOldest(this.#heard, PRESENCE_NODES_MAX)
    let trip: RoundTrip | undefined
    for (const { nonce, heldMs } of echoes) {
      const toldAt = this.#told.get(toHex(nonce))
      if (toldAt !== undefined)
        trip = { from: toldAt + heldMs, to: arrivedAt, signedAt: signed.time }
    }
    return trip
  }
}
