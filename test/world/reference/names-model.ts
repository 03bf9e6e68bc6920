import { parseName, type Name } from '@ixj/names'

/**
 * Every name of up to so many labels from this alphabet below two organisations, and they
 * themselves: a world small enough that a pattern is the list of the names in it.
 */
export const WORLD: readonly Name[] = ['acme.example', 'globex.example'].flatMap((top) => {
  const labels = ['a', 'b', 'c']
  const level = (names: readonly string[]) =>
    names.flatMap((name) => labels.map((label) => `${label}.${name}`))
  const one = level([top])
  const two = level(one)
  return [top, ...one, ...two, ...level(two)].map((text) => parseName(text))
})

/** The names that a pattern means, found by looking at each. */
export function namesIn(pattern: string): ReadonlySet<string> {
  const known = sets.get(pattern)
  if (known !== undefined) return known
  const found = new Set(WORLD.filter((name) => isIn(name.split('.'), pattern.split('.'))))
  sets.set(pattern, found)
  return found
}

const sets = new Map<string, ReadonlySet<string>>()

function isIn(name: readonly string[], pattern: readonly string[]): boolean {
  const [first, ...base] = pattern
  const isWild = first === '*' || first === '**'
  const fixed = isWild ? base : pattern
  const free = name.length - fixed.length
  if (free < 0 || fixed.some((label, index) => name[free + index] !== label)) return false
  if (!isWild) return free === 0
  return first === '*' ? free === 1 : free >= 1
}

/** Whether one of these patterns alone means everything that this one means. */
export function isWithin(pattern: string, allowed: readonly string[]): boolean {
  const wanted = [...namesIn(pattern)]
  return allowed.some((each) => wanted.every((name) => namesIn(each).has(name)))
}
