import type { AgentAbilities } from '../patterns/agent-abilities.ts'
import type { bear } from '../patterns/births.ts'
import type { issueTo, makeOffer, readBound, readOffer } from '../patterns/naming.ts'
import type { Carrying } from '../relay/relaying.ts'
import type { SecretsAbility } from '../sealing/group-sealing.ts'
import type { SharedAbility } from '../state/open-shared.ts'
import type { Nursery } from './nursery.ts'
import type { AttestingAbility } from '../sync/sync-context.ts'
import type { SheavesAbility } from './reception.ts'
import type { Pool } from './pool.ts'

/** What the agents of a host, and the host itself, ask for when they need it. */
export interface HostAbilities extends AgentAbilities, SheavesAbility {
  births(): Promise<{
    readonly bear: typeof bear
    readonly issueTo: typeof issueTo
    readonly makeOffer: typeof makeOffer
    readonly Nursery: typeof Nursery
    readonly Pool: typeof Pool
    readonly readBound: typeof readBound
    readonly readOffer: typeof readOffer
  }>
  sealing(): Promise<
    Awaited<ReturnType<AgentAbilities['sealing']>> & Awaited<ReturnType<SecretsAbility['sealing']>>
  >
  history(): Promise<
    Awaited<ReturnType<AgentAbilities['history']>> &
      Awaited<ReturnType<AttestingAbility['attesting']>>
  >
  /** What keeps shared state, and shows it to members; not in a page that shares none. */
  readonly state?: () => Promise<
    Awaited<ReturnType<NonNullable<AgentAbilities['state']>>> &
      Awaited<ReturnType<NonNullable<SharedAbility['state']>>>
  >
  /** What carries topics for pages; only where the transport has pages. */
  readonly carrying?: () => Promise<Carrying>
}
