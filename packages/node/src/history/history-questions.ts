import type { EvidenceRow, HistoryRow } from '@ixj/agent'

/** A row, and the number under which it lies: rows are only ever put at the end. */
export interface PlacedRow {
  readonly place: number
  readonly row: HistoryRow
}

/** A row whose bundle lies in memory that the thread shares, until what was asked is answered. */
export interface StagedRow extends PlacedRow {
  readonly start: number
  readonly end: number
}

/** What changes in one commit. */
export interface HistoryChange {
  readonly puts: readonly StagedRow[]
  /** Where their bundles lie. */
  readonly staged: SharedArrayBuffer
  readonly removes: readonly number[]
  readonly evidence: readonly EvidenceRow[]
}

/** What a history asks its thread. */
export type HistoryQuestion = { readonly number: number } & (
  | { readonly kind: 'load' | 'evidence' | 'close' }
  | ({ readonly kind: 'write' } & HistoryChange)
  | { readonly kind: 'read'; readonly places: readonly number[] }
)

/** What the thread answers; `failure` in words. */
export type HistoryAnswer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly failure: string }
