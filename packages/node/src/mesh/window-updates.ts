import type { Stream } from '@libp2p/interface'

/** The parts of a yamux stream (8.0.1, pinned) that decide when the other side is given room. */
interface YamuxWindow {
  state: number
  /** Bytes that the other side may send at most before it is given room. */
  recvWindow: number
  /** How many of these it has left. */
  recvWindowCapacity: number
  sendWindowUpdate(): void
}

/** A stream that is open both ways and read: no flag has to travel. */
const ESTABLISHED = 3

/**
 * Gives the other side room when half of it is used, as other yamux do, and not for each frame: this
 * one writes, encrypts and sends a frame of its own for every frame that comes, before that is read.
 */
export function spareWindowUpdates(stream: Stream): void {
  const window = stream as unknown as YamuxWindow
  if (typeof window.sendWindowUpdate !== 'function') {
    throw new Error('This yamux is not the one that is pinned: it has no sendWindowUpdate')
  }
  const update = window.sendWindowUpdate.bind(window)
  window.sendWindowUpdate = () => {
    const isHalfLeft = window.recvWindowCapacity * 2 > window.recvWindow
    if (window.state === ESTABLISHED && isHalfLeft) return
    update()
  }
}
