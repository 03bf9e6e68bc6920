import type { Message } from '@ixj/agent'
import { MISSED_SENDERS_MAX } from './limits.ts'

/** What tells of a gap. */
type Arrival = Pick<Message, 'gap' | 'late' | 'sender'>

/**
 * Messages that were not there when their stream went on: kept back by a relay, or lost. A gap is told
 * when it is seen, and again when all of it has come by another way.
 */
export class MissingMessages {
  readonly #bySender = new Map<string, { missing: number; came: number }>()
  #left = 0

  /** How many are missing now. */
  get left(): number {
    return this.#left
  }

  /** Takes a message in; a line for people, where it changes what is missing. */
  take({
    gap,
    late,
    sender,
  }: Arrival): { readonly isHealed: boolean; readonly text: string } | undefined {
    const known = this.#bySender.get(sender)
    if (late && known !== undefined) {
      known.came += 1
      this.#left -= 1
      if (known.came < known.missing) return undefined
      this.#bySender.delete(sender)
      return { isHealed: true, text: `${countOf(known.missing)} of ${sender} came after all` }
    }
    // Of more senders than that the gap is told as well, and not that it was healed.
    if (gap === 0) return undefined
    const text = `${countOf(gap)} of ${sender} missing`
    if (known !== undefined) known.missing += gap
    else if (this.#bySender.size >= MISSED_SENDERS_MAX) return { isHealed: false, text }
    else this.#bySender.set(sender, { missing: gap, came: 0 })
    this.#left += gap
    return { isHealed: false, text }
  }
}

function countOf(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`
}
