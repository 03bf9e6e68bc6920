import { explanationOf } from '@ixj/agent'
import { formatExplanation, type Explanation } from '@ixj/trust'
import type { Host } from '@ixj/agent'
import type { Name } from '@ixj/names'
import type { LicenceTable } from './licence-table.ts'

/** The processes of the main job, by what they run. */
export const ROLES = ['planner', 'workers-1', 'workers-2', 'ledger', 'counsel', 'mallory'] as const

/** One process of the main job. */
export type Role = (typeof ROLES)[number]

/** The processes that serve the organisations' zones. */
export const ZONE_ROLES = ['acme-dns', 'globex-dns'] as const

/** The name server of one organisation. */
export type ZoneRole = (typeof ZONE_ROLES)[number]

/** How many messages a node decided about, by outcome. */
export interface Counts {
  readonly sent: number
  readonly accepted: number
  readonly refused: Readonly<Record<string, number>>
  /** Bundles that went to hosts of inboxes on direct streams. */
  readonly direct: { readonly accepted: number; readonly resent: number; readonly lost: number }
  /** Results that workers sent as tasks. */
  readonly tasks: TaskCounts
}

/** How many tasks were sent, and how many of them their receivers acknowledged. */
export interface TaskCounts {
  readonly sent: number
  readonly acknowledged: number
}

/** The crew's shared state as the planner saw it at the end. */
export interface StateResult {
  readonly registers: number
  /** The oldest register's age at most, in ms. */
  readonly oldestMs: number
  /** What the workers' own registers say that they have done together. */
  readonly done: number
}

/** What the planner and the ledger know when the job is done. */
export interface JobResult {
  readonly packages: number
  readonly table: LicenceTable
  readonly rulings: readonly (readonly [licence: string, ruling: string])[]
  /** Workers that fell silent or left in mid-job, by name. */
  readonly missing: readonly string[]
  /** Folders that were given to somebody else for it. */
  readonly reassigned: number
  readonly rounds: number
  readonly births: { readonly count: number; readonly milliseconds: number }
  readonly state: StateResult
  /** Delivery of results from worker to ledger, in ms. */
  readonly delivery: { readonly count: number; readonly p50: number; readonly p99: number }
  readonly milliseconds: number
}

/** What a process of the main job tells its parent: one JSON object a line. */
export type DemoEvent =
  | { readonly event: 'ready'; readonly role: Role; readonly node: string }
  | {
      readonly event: 'serving'
      readonly role: ZoneRole
      readonly zone: string
      readonly server: string
    }
  | { readonly event: 'crew'; readonly members: readonly string[] }
  | { readonly event: 'round'; readonly round: number; readonly folders: number }
  | {
      readonly event: 'progress'
      readonly done: number
      readonly total: number
      readonly workers: number
    }
  | { readonly event: 'missing'; readonly names: readonly string[] }
  | { readonly event: 'done'; readonly result: JobResult }
  | { readonly event: 'refused'; readonly role: Role; readonly refusal: RefusalEvent }
  | { readonly event: 'heard'; readonly role: Role; readonly text: string }
  | { readonly event: 'waiting'; readonly milliseconds: number; readonly text: string }
  | { readonly event: 'attack'; readonly attack: AttackEvent }
  /** Somebody has noticed that a worker's key was copied; 32 bytes in base64url. */
  | { readonly event: 'stolen'; readonly name: Name; readonly key: string }
  | { readonly event: 'attacked' }
  | { readonly event: 'counts'; readonly role: Role; readonly counts: Counts }

/** A refusal as the refusing node explains it. */
export interface RefusalEvent {
  readonly about: string
  readonly code: string
  readonly verdict: string
  readonly id: string | null
  readonly sender: string
  readonly tree: string
  readonly explanation: Explanation
}

/** An attack that was made, and what must be seen of it. */
export interface AttackEvent {
  readonly name: string
  readonly what: string
  /** Seen at this process… */
  readonly at: Role
  /** …with this code, for this bundle or from this sender. */
  readonly code: string
  readonly id?: string
  readonly sender?: string
  /** What the attacker itself can tell: an effect that it had shows here. */
  readonly hadEffect: boolean
  /** A message that must arrive at the planner all the same, and what that shows. */
  readonly mustArrive?: { readonly text: string; readonly shows: string }
}

/** Tells the parent. */
export function tell(event: DemoEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

/** Tells every refusal of a node from now on, until it closes. */
export async function tellRefusals(role: Role, host: Host): Promise<void> {
  for await (const decision of host.decisions()) {
    if (decision.code === null) continue
    // Gossip brings every announcement several times.
    if (decision.code === 'duplicate' && decision.about === 'presence') continue
    const { about, code, verdict, id } = decision
    tellRefusal(role, { about, code, verdict, id, explanation: explanationOf(decision) })
  }
}

/** Columns of a terminal that the report leaves to a tree. */
const TREE_COLUMNS = 76

/** Tells one refusal, with its tree. */
export function tellRefusal(role: Role, refusal: Omit<RefusalEvent, 'sender' | 'tree'>): void {
  const { explanation } = refusal
  const tree = formatExplanation(explanation, { columns: TREE_COLUMNS })
  tell({ event: 'refused', role, refusal: { ...refusal, sender: explanation.sender, tree } })
}

/** Tells what a node decided in all. */
export function tellCounts(
  role: Role,
  host: Host,
  { sent, tasks }: { readonly sent: number; readonly tasks: TaskCounts },
): void {
  const refused: Record<string, number> = {}
  let accepted = 0
  for (const [code, count] of host.counts) {
    if (code === 'accepted' || code === null) accepted += count
    else refused[code] = (refused[code] ?? 0) + count
  }
  const { accepted: taken, resent, lost } = host.deliveries
  const direct = { accepted: taken, resent, lost }
  tell({ event: 'counts', role, counts: { sent, accepted, refused, direct, tasks } })
}
