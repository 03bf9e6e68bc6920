import type { Name } from '@ixj/names'
import type { HistoryRow } from '../history/history-rows.ts'
import type { MemberRight } from '../neighbours/right.ts'
import type { Trace } from './context.ts'

/** What `explanationOf` makes an explanation of. */
export type Grounds =
  /** What was found on a bundle's way, and what stopped it; `at` in ms since the Unix epoch. */
  | { readonly of: 'bundle'; readonly trace: Trace; readonly at: number; readonly cause?: unknown }
  /** What is no bundle. */
  | {
      readonly of: 'other'
      readonly action: string
      readonly topic: string
      readonly sender: string
      readonly cause?: unknown
    }
  /** By which statements a member is in a group, and on which node. */
  | {
      readonly of: 'member'
      readonly topic: Name
      readonly node: Name
      readonly right: MemberRight
      readonly at: number
    }
  /** A kept bundle. */
  | { readonly of: 'history'; readonly row: HistoryRow }

/** What `explanationOf` explains. */
export interface Explicable {
  /** Looked up when it is asked for. @throws TrustError where a member here has no proof any more */
  grounds(): Grounds
}
