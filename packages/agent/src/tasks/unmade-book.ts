import type { TaskBook } from '../pipeline/context.ts'
import { Refusal } from '../pipeline/verdicts.ts'

/** A book of tasks before the first one: it has none, and room for it once `make` has made it. */
export function unmadeBook(make: () => Promise<unknown>): TaskBook {
  return {
    prepare: async () => {
      try {
        await make()
      } catch (cause) {
        // What a damaged store gives back is no fault of whoever sent the task.
        throw new Refusal('own-fault', 'Cannot keep a task', { cause })
      }
    },
    has: () => false,
    hasRoom: () => true,
    reserve: () => false,
    release: () => {},
    take: async () => {},
    copy: () => {},
  }
}
