import type { Agent, Group, JoinOptions, SpawnOptions, Store } from '@ixj/agent'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import type { WorldNode } from '../../../../test/world/world.ts'
import type { GroupSecret } from '../../src/sealing/group-secret.ts'
import { decodeSecrets } from '../../src/sealing/stored-secrets.ts'
import { CREW, CREW_GRANT, Town } from '../town.ts'

export const SECRET = 'the combination is 4711'

/** May give the crew its secret. */
export const CHIEF_GRANT = { ...CREW_GRANT, actions: [...CREW_GRANT.actions, 'invite'] } as const

/** A member of the crew, on a node. */
export interface Hand {
  readonly agent: Agent
  readonly crew: Group
  readonly node: WorldNode
}

/** Opens an agent on node n<number> that joins the crew. */
export async function hand(
  town: Town,
  label: string,
  node: number,
  options: JoinOptions & Partial<SpawnOptions> = {},
): Promise<Hand> {
  const { sealed = true, signal: _signal, ...birth } = options
  const grants = [...(birth.grants ?? [CREW_GRANT])]
  const agent = await town.agent(label, node, { sealable: true, ...birth, grants })
  const crew = await agent.join(CREW, { sealed })
  return { agent, crew, node: town.nodes[node - 1]! }
}

/** A chief on n1 who may invite, and members on the other nodes, who have had time to meet. */
export async function openCrew(
  nodes: number,
  options: Parameters<typeof Town.open>[1] = {},
): Promise<{ readonly town: Town; readonly chief: Hand; readonly hands: readonly Hand[] }> {
  const town = await Town.open(nodes, options)
  const chief = await hand(town, 'chief', 1, { grants: [CHIEF_GRANT] })
  const hands: Hand[] = []
  for (let node = 2; node <= nodes; node++) hands.push(await hand(town, `m${node}`, node))
  await town.world.pass(7_000)
  return { town, chief, hands }
}

/** The secrets that a store has of a group. */
export async function secretsIn(store: Store, topic = CREW): Promise<readonly GroupSecret[]> {
  const stored = await store.get(`group-secrets/${topic}`)
  if (stored === undefined) return []
  return decodeSecrets(stored, topic, nodeSha256).map(({ secret }) => secret)
}
