import type { BundleRecord } from '@ixj/audit'
import { toHex } from '@ixj/trust'
import { blocks } from '../blocks.ts'
import { printable, type Record } from '../output.ts'
import { timeText } from './record-text.ts'

/** Actions in one report; a shorter period has fewer. */
export const REPORT_ROWS_MAX = 1_000_000

/** One action, and everybody who answers for it. */
export interface AccountableAction {
  /** Its record in the log. */
  readonly index: number
  readonly record: BundleRecord
}

const HEAD = [
  'record',
  'time',
  'outcome',
  'action',
  'topic',
  'sender',
  'proven',
  'organisation',
  'onBehalfOf',
  'delegators',
  'grants',
  'approvers',
  'rule',
  'via',
  'messages',
  'bundle',
] as const

/** An action for programs. */
export function actionJson({ index, record }: AccountableAction): Record {
  const { action, topic, sender, signed, organisation, onBehalfOf } = record
  return {
    record: index,
    time: timeText(record.at),
    outcome: record.code ?? 'accepted',
    action,
    topic,
    sender,
    proven: signed,
    organisation,
    onBehalfOf,
    delegators: record.delegators,
    grants: record.grants.map((id) => toHex(id)),
    approvers: record.approvers,
    rule: record.rule,
    via: record.via,
    messages: record.messages,
    bundle: record.id === null ? null : toHex(record.id),
  }
}

/** Actions as CSV (RFC 4180), with a head. */
export function actionsCsv(actions: readonly AccountableAction[]): string {
  const lines = actions.map((action) => {
    const json = actionJson(action)
    return HEAD.map((member) => csvCell(json[member])).join(',')
  })
  return [HEAD.join(','), ...lines].join('\r\n')
}

function csvCell(value: Record[string] | undefined): string {
  // Others chose some of these texts: none of them may steer a terminal or end its line.
  const text = printable(csvText(value))
  // A spreadsheet takes what begins so for a formula, in full width too.
  const safe = /^\s*[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text
  // In half of the world a semicolon parts cells.
  return /[",;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function csvText(value: Record[string] | undefined): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map((each) => csvText(each)).join(' ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Actions for people, one block each; ids are shortened. */
export function actionBlocks(actions: readonly AccountableAction[]): string {
  const list = actions.map(({ index, record }) => {
    const { action, topic, sender, signed, organisation, onBehalfOf, approvers, rule } = record
    const by = signed ? (sender ?? '?') : `${sender ?? '?'} (claimed)`
    const granted = record.grants.map(
      (id, grant) => `${record.delegators[grant] ?? '?'} (grant ${toHex(id).slice(0, 8)})`,
    )
    const outcome = record.code ?? 'accepted'
    return {
      title: `${index}  ${timeText(record.at)}  ${outcome}  ${action ?? '?'} on ${topic ?? '?'}`,
      facts: [
        ['by', organisation === null ? by : `${by}, of ${organisation}`],
        ['for', onBehalfOf ?? '-'],
        ['granted by', granted.join(' → ') || '-'],
        ['approved by', approvers.join(', ') || '-'],
        ['policy', rule ?? '-'],
      ] as const,
    }
  })
  return blocks(list).join('\n')
}
