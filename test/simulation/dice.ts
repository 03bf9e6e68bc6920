import { seededRandom } from '../world/random.ts'

/** Chance for one part of a run: what one part draws changes nothing for the others. */
export class Dice {
  readonly random: () => number

  constructor(seed: number, part: string) {
    let mixed = seed >>> 0
    for (const letter of part) mixed = Math.imul(mixed ^ letter.codePointAt(0)!, 0x9e3779b1) >>> 0
    this.random = seededRandom(mixed)
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1))
  }

  isBelow(chance: number): boolean {
    return this.random() < chance
  }

  /** One of a list that is not empty. */
  one<T>(list: readonly T[]): T {
    const found = list[this.whole(0, list.length - 1)]
    if (found === undefined) throw new Error('Cannot draw one of nothing')
    return found
  }

  /** Those of a list that chance takes, at least one. */
  some<T>(list: readonly T[], chance: number): readonly T[] {
    const taken = list.filter(() => this.isBelow(chance))
    return taken.length > 0 ? taken : [this.one(list)]
  }
}
