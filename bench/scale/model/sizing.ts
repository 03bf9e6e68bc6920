import { REVOCATIONS_PER_NAME_MAX, REVOCATIONS_PER_ROOT_MAX, STATUSES_MAX } from '@ixj/trust'
import { MEMBERS_MAX, PROOFS_MAX, SOUGHT_MAX } from '../../../packages/agent/src/limits.ts'
import { PRESENCE_NODES_MAX } from '../../../packages/agent/src/presence/limits.ts'
import type { Calibration } from './calibration.ts'

/** What is taken to be so, where nothing measured says it. */
export const ASSUMED = {
  /** Beside their node's own work; memory would allow a hundred times as many. */
  agentsPerNode: 1_000,
  /** As many as were measured together. */
  nodesPerOrganisation: 1_000,
  /** How long an agent lives. */
  lifeSeconds: 3_600,
  /** Others elsewhere to whom an agent writes. */
  correspondents: 10,
  /** A part of a core that a node may spend on knowing who else is there. */
  backgroundPart: 0.1,
} as const

const DAY_SECONDS = 86_400

/** What was measured of the DNS. */
export interface DnsFigures {
  readonly updatesPerSecond: number
  readonly answersPerSecond: number
  /** A name's key as it travels: records and signatures of one zone. */
  readonly proofBytes: number
}

/** What so many agents take; rates are of a second. */
export interface Sizing {
  readonly agents: number
  readonly nodes: number
  readonly organisations: number
  readonly births: number
  /** If each agent's key stood in the DNS: bytes of all zones, servers that take the updates. */
  readonly dnsBytes: number
  readonly dnsServers: number
  /** The same of one organisation's zone: the part of one server's updates. */
  readonly zonePart: number
  /** CPU seconds of all nodes for one message to all agents, and its hops. */
  readonly toAllCpuSeconds: number
  readonly toAllHops: number
  /** Cores of every node, if each agent said one thing a day to all. */
  readonly toAllDailyCores: number
  /** What one node keeps of its own agents. */
  readonly nodeBytes: number
}

/** Sizes a world of so many agents on paper; `hopsOf` continues what was modelled. */
export function sizing(
  agents: number,
  costs: Calibration,
  { dns, hopsOf }: { readonly dns: DnsFigures; readonly hopsOf: (nodes: number) => number },
): Sizing {
  const { agentsPerNode, nodesPerOrganisation, lifeSeconds } = ASSUMED
  const nodes = agents / agentsPerNode
  const births = agents / lifeSeconds
  const organisations = nodes / nodesPerOrganisation
  const atNodeSeconds = (costs.nodeMs + agentsPerNode * costs.agentMs) / 1_000
  return {
    agents,
    nodes,
    organisations,
    births,
    dnsBytes: agents * dns.proofBytes,
    dnsServers: births / dns.updatesPerSecond,
    zonePart: births / organisations / dns.updatesPerSecond,
    toAllCpuSeconds: nodes * atNodeSeconds,
    toAllDailyCores: (agents / DAY_SECONDS) * atNodeSeconds,
    toAllHops: hopsOf(nodes),
    nodeBytes: agentsPerNode * costs.agentBytes,
  }
}

/** Something that ends growth. */
export interface Break {
  readonly what: string
  readonly growsWith: string
  /** By what it ends: a limit's name, or what was measured. */
  readonly endsBy: string
  /** How many of that there may be. */
  readonly at: number
}

/** What ends growth within one organisation or at one node, the first of each kind first. */
export function breaks(costs: Calibration): readonly Break[] {
  const budgetMs = 1_000 * ASSUMED.backgroundPart
  const { agentsPerNode, correspondents, lifeSeconds } = ASSUMED
  const found: readonly Break[] = [
    {
      what: 'a node writes to inboxes on other nodes',
      growsWith: `agents on the node that write to ${correspondents} others each`,
      endsBy: `SOUGHT_MAX, ${SOUGHT_MAX.toLocaleString('en-US')} inboxes`,
      at: SOUGHT_MAX / correspondents,
    },
    {
      what: 'everybody announced in one group',
      growsWith: 'nodes with a member',
      endsBy: `${costs.presenceMs.toPrecision(2)} ms CPU for each presence, a tenth of a core`,
      at: budgetMs / costs.presenceMs / costs.presencesPerSecond,
    },
    {
      what: 'the same, by its tables',
      growsWith: 'nodes with a member',
      endsBy: `PRESENCE_NODES_MAX; MEMBERS_MAX is ${MEMBERS_MAX.toLocaleString('en-US')} members`,
      at: PRESENCE_NODES_MAX,
    },
    {
      what: 'names of one organisation that bind others for more than a minute',
      growsWith: 'such names, each with a status',
      endsBy: `${costs.statusMs.toPrecision(2)} ms CPU for each status, a tenth of a core`,
      at: budgetMs / costs.statusMs / costs.statusesPerSecond,
    },
    {
      what: 'the same, by its table',
      growsWith: 'such names',
      endsBy: 'STATUSES_MAX',
      at: STATUSES_MAX,
    },
    {
      what: `a name closes agents long before the ${lifeSeconds / 60} minutes of their bindings end`,
      growsWith: 'agents closed early in that time',
      endsBy: 'REVOCATIONS_PER_NAME_MAX',
      at: REVOCATIONS_PER_NAME_MAX,
    },
    {
      what: 'the same, over an organisation',
      growsWith: 'agents closed early in that time',
      endsBy: 'REVOCATIONS_PER_ROOT_MAX',
      at: REVOCATIONS_PER_ROOT_MAX,
    },
    {
      what: 'a node hears senders, each with a proof of its own',
      growsWith: 'senders heard lately',
      endsBy: 'PROOFS_MAX; further ones are fetched again',
      at: PROOFS_MAX,
    },
    {
      what: 'agents on one node, by a GiB of memory',
      growsWith: 'agents, idle',
      endsBy: `${Math.round(costs.agentBytes).toLocaleString('en-US')} bytes measured`,
      at: 1024 ** 3 / costs.agentBytes,
    },
    {
      what: 'agents on one node that all listen to a group, by a GiB',
      growsWith: `agents; ${agentsPerNode.toLocaleString('en-US')} were assumed`,
      endsBy: `${Math.round(costs.listenerBytes).toLocaleString('en-US')} bytes more measured`,
      at: 1024 ** 3 / (costs.agentBytes + costs.listenerBytes),
    },
  ]
  return found.toSorted((left, right) => left.at - right.at)
}

/** Hops by the straight line through what was modelled, over the logarithm of the nodes. */
export function hopsLine(
  modelled: readonly { readonly nodes: number; readonly hopsMean: number }[],
): (nodes: number) => number {
  const points = modelled.map(({ nodes, hopsMean }) => ({ x: Math.log10(nodes), y: hopsMean }))
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))]
  const slope =
    points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) /
    points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
  return (nodes) => y + slope * (Math.log10(nodes) - x)
}
