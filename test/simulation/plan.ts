import type { LinkConditions } from '@ixj/agent/memory'

/** A node: whose it is, and how wrong its clock is. */
export interface PlannedNode {
  readonly name: string
  readonly organisation: string
  readonly aheadMs: number
  readonly driftPpm: number
  /** Whether it holds its organisation's key, and so publishes its statuses. */
  readonly isAuthority: boolean
}

/** Two nodes that keep a connection. */
export interface PlannedLink {
  readonly nodes: readonly [string, string]
  readonly conditions: Partial<LinkConditions>
}

/** An agent that is there from the start. */
export interface PlannedAgent {
  readonly name: string
  readonly organisation: string
  readonly node: string
  readonly groups: readonly string[]
}

/** What somebody does, at a time since the beginning. */
export type Work =
  | {
      readonly kind: 'publish'
      readonly agent: string
      readonly group: string
      readonly count: number
      readonly to: readonly string[] | null
    }
  | { readonly kind: 'send'; readonly agent: string; readonly to: string; readonly count: number }
  | { readonly kind: 'request'; readonly agent: string; readonly to: string }
  | {
      readonly kind: 'task'
      readonly agent: string
      readonly topic: string
      /** Of a group: for whom. */
      readonly to: readonly string[] | null
    }
  | { readonly kind: 'set'; readonly agent: string; readonly group: string; readonly value: number }
  | { readonly kind: 'fan-out'; readonly agent: string; readonly group: string }
  | {
      readonly kind: 'spawn'
      readonly agent: string
      readonly label: string
      readonly group: string
      readonly lifetimeMs: number
    }
  | { readonly kind: 'leave'; readonly agent: string; readonly group: string }
  | { readonly kind: 'join'; readonly agent: string; readonly group: string }
  | { readonly kind: 'revoke'; readonly agent: string }

/** What happens to machines and links. */
export type Trouble =
  | { readonly kind: 'part' | 'mend'; readonly nodes: readonly string[] }
  | { readonly kind: 'cut'; readonly nodes: readonly [string, string] }
  | { readonly kind: 'crash' | 'close' | 'open'; readonly node: string }
  | { readonly kind: 'jump'; readonly node: string; readonly ms: number }

/** Attacks of a member that was admitted. */
export const ATTACKS = [
  'replay',
  'replay-elsewhere',
  'twist',
  'forge',
  'borrow',
  'equivocate',
  'future',
  'stale',
  'oversize',
  'flood',
  'junk',
  'stolen',
] as const
export type AttackKind = (typeof ATTACKS)[number]

/** What the hostile member does. */
export interface Attack {
  readonly kind: 'attack'
  readonly attack: AttackKind
}

/** One thing that happens in a run. */
export type PlannedEvent = { readonly at: number } & (Work | Trouble | Attack)

/** Everything that a run will do, drawn from its seed. */
export interface Plan {
  readonly seed: number
  /** Ed25519 in place of keyed hashes. */
  readonly realKeys: boolean
  readonly organisations: readonly string[]
  readonly nodes: readonly PlannedNode[]
  readonly links: readonly PlannedLink[]
  readonly agents: readonly PlannedAgent[]
  /** Whether a hostile member is connected to some nodes, and to which. */
  readonly hostile: readonly string[]
  /** In the order of their times. */
  readonly events: readonly PlannedEvent[]
  /** After that much time everything heals. */
  readonly busyMs: number
}

/** Parts of a run that can be left out, to see whether a failure needs them. */
export const PARTS = [
  'links',
  'clocks',
  'partitions',
  'cuts',
  'crashes',
  'hostile',
  'revocations',
  'spawns',
] as const
export type Part = (typeof PARTS)[number]
