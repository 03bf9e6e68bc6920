import { memoryHistory, type Clock, type HistoryRow, type HistoryRows } from '@ixj/agent'
import { toHex } from '@ixj/trust'

/** A bundle takes some ms to be safe. */
const WRITE_MS_MAX = 8

/** What a machine has on its disk of bundles; a crash loses what was not safe yet. */
export class CrashHistory {
  readonly #kept = memoryHistory()
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  /** The history of one life of the machine. */
  open(clock: Clock): HistoryRows & { crash(): void } {
    const kept = this.#kept
    const underWay = new Map<string, { readonly row: HistoryRow; readonly bytes: Uint8Array }>()
    let crashed = false
    return {
      load: () => kept.load(),
      put: (row, bytes) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        underWay.set(toHex(row.id), { row, bytes: bytes.slice() })
        clock.at(clock.now() + Math.ceil(this.#random() * WRITE_MS_MAX), () => {
          const written = underWay.get(toHex(row.id))
          if (crashed) return
          if (written !== undefined) void kept.put(written.row, written.bytes)
          underWay.delete(toHex(row.id))
          resolve()
        })
        return promise
      },
      remove: (ids) => {
        for (const id of ids) underWay.delete(toHex(id))
        kept.remove(ids)
      },
      read: async (ids) => {
        const found = await kept.read(ids)
        return found.map((bytes, index) => bytes ?? underWay.get(toHex(ids[index]!))?.bytes)
      },
      putEvidence: (evidence) => kept.putEvidence(evidence),
      evidence: () => kept.evidence(),
      crash: () => {
        crashed = true
        for (const { row, bytes } of underWay.values()) {
          if (this.#random() < 0.5) void kept.put(row, bytes)
        }
      },
      [Symbol.asyncDispose]: async () => {},
    }
  }
}
