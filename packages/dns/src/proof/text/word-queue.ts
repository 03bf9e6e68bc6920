import { DnsError } from '../dns-error.ts'
import type { Word } from './zone-entries.ts'

/** The words of one entry, taken from the front. */
export class WordQueue {
  readonly #words: readonly Word[]
  #taken = 0

  constructor(words: readonly Word[]) {
    this.#words = words
  }

  /** The next word, which stays; undefined at the end. */
  peek(): Word | undefined {
    return this.#words[this.#taken]
  }

  /** @throws DnsError `record` if there is none */
  next(what: string): Word {
    const word = this.#words[this.#taken++]
    if (word === undefined) throw new DnsError('record', `Cannot find ${what}: the entry ends`)
    return word
  }

  /** All that are left. */
  rest(): readonly Word[] {
    const rest = this.#words.slice(this.#taken)
    this.#taken = this.#words.length
    return rest
  }

  /** @throws DnsError `record` if words are left */
  finish(): void {
    const word = this.peek()
    if (word !== undefined) {
      const text = JSON.stringify(word.text.slice(0, 50))
      throw new DnsError('record', `Cannot use ${text}: the entry should end before it`)
    }
  }
}
