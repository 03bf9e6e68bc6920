import type { readAsked } from '../approvals/asked-approval.ts'
import type { Gathered } from '../approvals/gathered.ts'
import type { gatherApprovals } from '../approvals/gathering.ts'
import type { ReceivedTasks } from '../tasks/received-tasks.ts'
import type { SentTasks } from '../tasks/sent-tasks.ts'
import type { openStoredRecords } from '../tasks/stored-records.ts'
import type { readOffer } from './naming.ts'

/**
 * What an agent does for approvals, offers and tasks. Code that few agents run is asked for when it is
 * needed: a node has it at hand, a page downloads it then. A call gives the same each time.
 */
export interface AskingAbilities {
  approvals(): Promise<{
    readonly readAsked: typeof readAsked
    readonly gatherApprovals: typeof gatherApprovals
  }>
  births(): Promise<{ readonly readOffer: typeof readOffer }>
  tasks(): Promise<{
    readonly ReceivedTasks: typeof ReceivedTasks
    readonly SentTasks: typeof SentTasks
    readonly openStoredRecords: typeof openStoredRecords
  }>
}

/** Gathers the approvals that one message needs. @throws as `gatherApprovals` */
export type Gathering = (
  message: Parameters<typeof gatherApprovals>[0],
  signal: AbortSignal,
) => Promise<Gathered>
