import type { Combiner } from '../combine/combiner.ts'
import type { AskingAbilities } from './asking-abilities.ts'
import type { bear } from './births.ts'
import type { Gather } from './gather.ts'
import type { HistoryAbilities } from './history-abilities.ts'
import type { readOffer } from './naming.ts'
import type { SealingAbilities } from './sealing-abilities.ts'
import type { StateAbilities } from './state-abilities.ts'

/** The same, with what makes sub-agents and reads what many send. */
export interface AgentAbilities
  extends AskingAbilities, HistoryAbilities, SealingAbilities, StateAbilities {
  births(): Promise<{ readonly bear: typeof bear; readonly readOffer: typeof readOffer }>
  gathering(): Promise<{
    readonly Combiner: typeof Combiner
    readonly Gather: typeof Gather
  }>
}
