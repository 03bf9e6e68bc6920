import type { AuditRecord } from '@ixj/audit'
import type { ReadRecord } from '@ixj/node/home'
import { toHex } from '@ixj/trust'
import { columns, printable, type Record } from '../output.ts'

/** Characters of an id in a table; JSON and CSV have it whole. */
const SHORT_ID = 12

/** The last time that a date can say; a record may hold a later one. */
const DATE_MS_MAX = 8.64e15

/** A time as people and programs read it. */
export function timeText(ms: number): string {
  return ms <= DATE_MS_MAX ? new Date(ms).toISOString() : `${ms} ms`
}

/** A record for programs: ids in hexadecimal, times in ISO form. */
export function recordJson({ index, record }: ReadRecord): Record {
  const entries = Object.entries(record).map(([key, value]: [string, unknown]) => [
    key,
    valueJson(key, value),
  ])
  return { record: index, ...(Object.fromEntries(entries) as Record) }
}

function valueJson(key: string, value: unknown): Record[string] {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map((each) => valueJson('', each))
  const isTime = ['at', 'since', 'notAfter'].includes(key)
  if (typeof value === 'number' && isTime) return timeText(value)
  return value as Record[string]
}

/** Records as a table for people. */
export function recordTable(records: readonly ReadRecord[]): string {
  const rows = records.map(({ index, record }) => [
    String(index),
    timeText(record.at),
    ...cellsOf(record),
  ])
  const head = ['record', 'time', 'outcome', 'action', 'on', 'by', 'for', 'id', 'why']
  return columns([head, ...rows.map((row) => row.map((cell) => printable(cell)))])
}

function cellsOf(record: AuditRecord): readonly string[] {
  switch (record.kind) {
    case 'bundle': {
      const { code, action, topic, signed, onBehalfOf, id, rule } = record
      const sender = record.sender ?? '?'
      const by = signed ? sender : `${sender} (claimed)`
      const outcome = code ?? 'accepted'
      return [outcome, action ?? '?', topic ?? '?', by, onBehalfOf ?? '-', shortId(id), rule ?? '']
    }
    case 'statement': {
      const { act, statement, subject, issuer, onBehalfOf, id } = record
      return [act, statement, subject ?? '-', issuer, onBehalfOf ?? '-', shortId(id), '']
    }
    case 'approval': {
      const { topic, approver, sender, id } = record
      return ['approved', 'approval', topic, approver, sender, shortId(id), '']
    }
    case 'repeats': {
      const { code, count, topic, sender, via } = record
      const why = `${count} times since ${timeText(record.since)}, through ${via ?? 'this node'}`
      return [code, 'repeats', topic ?? '-', sender ?? '-', '-', '-', why]
    }
    case 'gap': {
      const why = `${record.lost} records missing since ${timeText(record.since)}: ${record.reason}`
      return ['gap', '-', '-', '-', '-', '-', why]
    }
  }
}

function shortId(id: Uint8Array | null): string {
  return id === null ? '-' : toHex(id).slice(0, SHORT_ID)
}
