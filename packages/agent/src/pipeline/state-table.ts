import { compareBytes, toHex } from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import type { MessagePart } from '../bundles/message.ts'
import { STATE_LIFESPAN_MS_MAX, STATE_SLOTS_MAX, STATE_SLOTS_TOTAL_MAX } from '../limits.ts'
import { isUpdate, peekRegister } from '../state/register-update.ts'
import { Refusal } from './verdicts.ts'

/** How new a state is: the highest (epoch, place, key) wins, compared in this order. */
export interface StateAge {
  readonly epoch: number
  /** Of its message in the stream; of the bundle's first message where it is about no register. */
  readonly place: number
  readonly key: Uint8Array
}

/** Above 0 if the first is newer. */
export function compareStates(left: StateAge, right: StateAge): number {
  return left.epoch - right.epoch || left.place - right.place || compareBytes(left.key, right.key)
}

interface Newest extends StateAge {
  readonly until: number
}

/** What of a sender is newer or older by itself: each register, and all else together. */
interface Slot {
  readonly slot: string
  readonly place: number
}

/** No register has this name. */
const REST = ''

/**
 * The newest state of each sender on each topic, register by register: an older update of one must
 * not be lost because a newer one of another came first.
 */
export class StateTable {
  readonly #senders = new Map<string, Map<string, Newest>>()
  #size = 0

  /**
   * Refuses a bundle that says nothing new.
   * @throws Refusal `superseded`; `table-full`, for a sender of too many registers and for newcomers
   */
  check(header: Header, messages: readonly MessagePart[]): void {
    if (header.class !== 'state') return
    const known = this.#senders.get(senderOf(header))
    const slots = slotsOf(header, messages)
    const isNews = ({ slot, place }: Slot) => {
      const newest = known?.get(slot)
      return newest === undefined || compareStates({ ...header, place }, newest) > 0
    }
    const rest = slots.find(({ slot }) => slot === REST)
    if (!(rest === undefined ? slots.some(isNews) : isNews(rest))) {
      throw superseded(header, known, slots)
    }
    const added = new Set(slots.map(({ slot }) => slot).filter((slot) => !known?.has(slot))).size
    if (added === 0) return
    if ((known?.size ?? 0) + added > STATE_SLOTS_MAX) {
      const limit = `the limit is ${STATE_SLOTS_MAX} registers`
      throw new Refusal('table-full', `Cannot follow more state of ${header.sender}: ${limit}`)
    }
    if (this.#size + added > STATE_SLOTS_TOTAL_MAX) {
      const limit = `the limit is ${STATE_SLOTS_TOTAL_MAX}`
      throw new Refusal('table-full', `Cannot follow another state: ${limit}`)
    }
  }

  /** Remembers an accepted state. */
  write(header: Header, messages: readonly MessagePart[]): void {
    if (header.class !== 'state') return
    const sender = senderOf(header)
    let known = this.#senders.get(sender)
    if (known === undefined) {
      known = new Map()
      this.#senders.set(sender, known)
    }
    const { epoch, key } = header
    // As long as an older state may live, whatever the newer one's lifespan.
    const until = header.sentAt + STATE_LIFESPAN_MS_MAX
    for (const { slot, place } of slotsOf(header, messages)) {
      const newest = known.get(slot)
      const found = { epoch, place, key, until }
      if (newest !== undefined && compareStates(found, newest) <= 0) continue
      if (newest === undefined) this.#size += 1
      known.set(slot, found)
    }
  }

  /** Forgets states that ended long ago: older ones are past their lifespans too. */
  sweep(now: number, keepMs: number): void {
    for (const [sender, known] of this.#senders) {
      for (const [slot, newest] of known) {
        if (newest.until + keepMs >= now) continue
        known.delete(slot)
        this.#size -= 1
      }
      if (known.size === 0) this.#senders.delete(sender)
    }
  }
}

function senderOf({ topic, sender }: Header): string {
  return `${topic}|${sender}`
}

/** Of messages about one register the last counts. */
function slotsOf(header: Header, messages: readonly MessagePart[]): readonly Slot[] {
  return messages.map((part, index) => {
    const register = isUpdate(header, part) ? peekRegister(part) : undefined
    return register === undefined
      ? { slot: REST, place: header.first }
      : { slot: register, place: header.first + index }
  })
}

function superseded(
  header: Header,
  known: ReadonlyMap<string, Newest> | undefined,
  slots: readonly Slot[],
): Refusal {
  const newest = known?.get(slots[0]?.slot ?? REST)
  const by =
    newest === undefined
      ? ''
      : `: ${newest.epoch}/${newest.place} by ${toHex(newest.key).slice(0, 8)} is newer`
  return new Refusal(
    'superseded',
    `Cannot accept state ${header.epoch}/${header.first} of ${header.sender}${by}`,
  )
}
