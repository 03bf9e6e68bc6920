import type { keptMessages } from './kept-messages.ts'

/** What reads messages that a node keeps. A call gives the same each time. */
export interface HistoryAbilities {
  history(): Promise<{ readonly keptMessages: typeof keptMessages }>
}
