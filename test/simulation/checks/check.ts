import type { History } from '../history.ts'
import type { Plan } from '../plan.ts'
import type { Lives } from './lives.ts'

/** What must hold in every run. */
export type Rule =
  | 'forgery'
  | 'duplicate'
  | 'loss'
  | 'order'
  | 'task'
  | 'authority'
  | 'audit'
  | 'convergence'
  | 'fault'

/** Something that must not happen, and did. */
export interface Violation {
  readonly rule: Rule
  readonly what: string
  /** Labels, ids and names by which the entries of the history are found that led to it. */
  readonly about: readonly string[]
}

/** A run, for those who look at it afterwards. */
export interface Run {
  readonly plan: Plan
  readonly history: History
  readonly lives: Lives
}

/** Finds what one rule forbids. */
export type Check = (run: Run) => readonly Violation[]
