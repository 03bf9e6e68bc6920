import { NameError } from '@ixj/names'

/** What a call answers, or the code of the NameError that it throws; any other error passes through. */
export function outcome<T>(run: () => T): T | { code: string } {
  try {
    return run()
  } catch (error) {
    if (error instanceof NameError) return { code: error.code }
    throw error
  }
}
