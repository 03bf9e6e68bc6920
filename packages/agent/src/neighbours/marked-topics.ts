import type { Name } from '@ixj/names'
import { equalBytes } from '@ixj/trust'

/** What of a mark is the key of the table: a number that engines keep in the table itself. */
const PLACE_BITS = 30

/**
 * Topics of ours by their marks for one neighbour. A node that hosts 100,000 agents has as many of
 * these for each neighbour, and the text of a mark would take more than half of an entry; so kept
 * are its first 30 bits, and topics that share them are told apart by their whole marks. A neighbour
 * chooses one of the two nonces in them, and cannot make many of ours meet by that.
 */
export class MarkedTopics {
  readonly #places = new Map<number, Name | readonly Name[]>()

  /** Puts a topic in its place; once, however often it is added. */
  add(topic: Name, mark: Uint8Array): void {
    this.#change(mark, topic, [topic])
  }

  /** Takes a topic out; nothing where it is not in. */
  delete(topic: Name, mark: Uint8Array): void {
    this.#change(mark, topic, [])
  }

  /** The topic with this very mark, for which `markOf` makes those of the topics in its place anew. */
  find(mark: Uint8Array, markOf: (topic: Name) => Uint8Array): Name | undefined {
    return this.#topicsAt(placeOf(mark)).find((topic) => equalBytes(markOf(topic), mark))
  }

  #change(mark: Uint8Array, topic: Name, added: readonly Name[]): void {
    const place = placeOf(mark)
    const topics = [...this.#topicsAt(place).filter((other) => other !== topic), ...added]
    const [only] = topics
    if (only === undefined) this.#places.delete(place)
    else this.#places.set(place, topics.length === 1 ? only : topics)
  }

  #topicsAt(place: number): readonly Name[] {
    const topics = this.#places.get(place)
    if (topics === undefined) return []
    return typeof topics === 'string' ? [topics] : topics
  }
}

function placeOf(mark: Uint8Array): number {
  const [first = 0, second = 0, third = 0, fourth = 0] = mark
  return ((first << 24) | (second << 16) | (third << 8) | fourth) >>> (32 - PLACE_BITS)
}
