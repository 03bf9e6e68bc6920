import type { GroupState } from '../state/group-state.ts'

/** What shows a member the shared state of its group; a page that shares none has none. */
export interface StateAbilities {
  readonly state?: () => Promise<{ readonly GroupState: typeof GroupState }>
}
