import type { AuditRecord } from '@ixj/audit'
import type { ReadRecord } from '@ixj/node/home'
import { toHex } from '@ixj/trust'
import { blocks } from '../blocks.ts'
import type { Record } from '../output.ts'

/** Characters of an id in a table; JSON and CSV have it whole. */
export const SHORT_ID = 12

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

/** Records for people, one block each. */
export function recordBlocks(records: readonly ReadRecord[]): string {
  const list = records.map(({ index, record }) => {
    const [outcome, action, on, ...rest] = cellsOf(record)
    const what = [outcome, [action, on].filter((cell) => cell !== NONE).join(' on ')]
    const labels = ['by', 'for', 'id', 'why'] as const
    return {
      title: [`${index}  ${timeText(record.at)}`, ...what].join('  ').trimEnd(),
      facts: labels.flatMap((label, place) => {
        const cell = rest[place] ?? NONE
        return cell === NONE ? [] : [[label, cell] as const]
      }),
    }
  })
  return blocks(list).join('\n')
}

/** Stands where a record says nothing. */
const NONE = '-'

function cellsOf(record: AuditRecord): readonly string[] {
  switch (record.kind) {
    case 'bundle': {
      const { code, action, topic, signed, onBehalfOf, id, rule } = record
      const sender = record.sender ?? '?'
      const by = signed ? sender : `${sender} (claimed)`
      const outcome = code ?? 'accepted'
      return [
        outcome,
        action ?? '?',
        topic ?? '?',
        by,
        onBehalfOf ?? NONE,
        shortId(id),
        rule ?? NONE,
      ]
    }
    case 'statement': {
      const { act, statement, subject, issuer, onBehalfOf, id } = record
      return [act, statement, subject ?? NONE, issuer, onBehalfOf ?? NONE, shortId(id), NONE]
    }
    case 'approval': {
      const { topic, approver, sender, id } = record
      return ['approved', 'approval', topic, approver, sender, shortId(id), NONE]
    }
    case 'repeats': {
      const { code, count, topic, sender, via } = record
      const why = `${count} times since ${timeText(record.since)}, through ${via ?? 'this node'}`
      return [code, 'repeats', topic ?? NONE, sender ?? NONE, NONE, NONE, why]
    }
    case 'gap': {
      const why = `${record.lost} records missing since ${timeText(record.since)}: ${record.reason}`
      return ['gap', NONE, NONE, NONE, NONE, NONE, why]
    }
  }
}

function shortId(id: Uint8Array | null): string {
  return id === null ? NONE : toHex(id).slice(0, SHORT_ID)
}
