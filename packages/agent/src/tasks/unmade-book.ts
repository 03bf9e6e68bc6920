import type { TaskBook } from '../pipeline/context.ts'

/** A book of tasks before the first one: it has none, and room for it once `prepare` has made it. */
export function unmadeBook(prepare: () => Promise<void>): TaskBook {
  return {
    prepare,
    has: () => false,
    hasRoom: () => true,
    reserve: () => false,
    release: () => {},
    take: async () => {},
    copy: () => {},
  }
}
