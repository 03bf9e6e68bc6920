import * as approvals from '../abilities/approvals.ts'
import * as births from '../abilities/births.ts'
import { CarriedTopics, Passing } from '../abilities/carrying.ts'
import * as gathering from '../abilities/gathering.ts'
import * as history from '../abilities/history.ts'
import * as sealing from '../abilities/sealing.ts'
import * as sheaves from '../abilities/sheaves.ts'
import * as state from '../abilities/state.ts'
import * as tasks from '../abilities/tasks.ts'
import type { HostAbilities } from './host-abilities.ts'
import type { HostOptions } from './host-options.ts'
import { type Host, openHostWith } from './host.ts'

/** All that a host may ask for, at hand: how nodes are opened. */
export const allAbilities: HostAbilities = {
  approvals: async () => approvals,
  births: async () => births,
  carrying: async () => ({ CarriedTopics, Passing }),
  gathering: async () => gathering,
  history: async () => history,
  sealing: async () => sealing,
  sheaves: async () => sheaves,
  state: async () => state,
  tasks: async () => tasks,
}

/**
 * Opens a node over a transport, without making connections.
 * @throws TrustError if the node's own chain does not hold against its own anchors
 */
export async function openHost(options: HostOptions): Promise<Host> {
  return await openHostWith(options, allAbilities)
}
