import type { TaskCounts } from '../tasks/task-gate.ts'
import type { LoadKind } from './intake-load.ts'

/** How much a node has to do. */
export interface HostLoad {
  /** Bundles and announcements of neighbours that wait for verdicts. */
  readonly waiting: number
  /** How many were refused as `overloaded`, by what is shed first: control, state, event, task. */
  readonly shed: ReadonlyMap<LoadKind, number>
  readonly tasks: Readonly<TaskCounts>
}
