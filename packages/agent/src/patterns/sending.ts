import type { Gathered } from '../approvals/gathered.ts'
import type { Bundle } from '../bundles/bundle.ts'
import type { Acknowledgements } from '../tasks/acknowledgements.ts'
import type { Addressee } from '../tasks/sent-task.ts'

/** How one message is sent. */
export interface Sending {
  /** Hears the bundle before anybody else does. */
  readonly sealed?: (bundle: Bundle) => void
  readonly signal?: AbortSignal
  readonly gathered?: Gathered
  /** For whom a task is; default: the name whose inbox it goes to. */
  readonly addressees?: readonly Addressee[]
  /** Hears of a task that was stored, and who acknowledges it. */
  readonly kept?: (acknowledgements: Acknowledgements) => void
}
