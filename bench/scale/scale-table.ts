import type { BenchResult } from '../table.ts'
import type { Background } from './background.ts'
import type { Churn } from './churn.ts'
import type { Checked, Modelled, ScaleRow } from './scale.ts'
import type { Born, Survey } from './survey.ts'

const KIB = 1_024
const MIB = 1_024 * KIB
/** P6 */
const IDLE_BYTES_MAX = 4 * KIB

/** What was measured at scale, for people. */
export function scaleTable(rows: readonly ScaleRow[]): BenchResult['table'] {
  return [['scale', 'figure', 'unit', ''], ...rows.flatMap(linesOf)]
}

function linesOf(row: ScaleRow): readonly (readonly string[])[] {
  switch (row.kind) {
    case 'survey':
      return surveyLines(row)
    case 'background':
      return backgroundLines(row)
    case 'calibration':
      return checkLines(row)
    case 'model':
      return modelLines(row)
    case 'churn':
      return churnLines(row)
  }
}

function bornLines(born: Born | undefined): readonly (readonly string[])[] {
  if (born === undefined) return []
  const { agents, oneGrant, twoGrants } = born
  return [
    idleLine('one grant', oneGrant.bytes / agents),
    idleLine('two grants', twoGrants.bytes / agents),
  ]
}

function surveyLines(row: Survey): readonly (readonly string[])[] {
  const { nodes, agentsPerNode, hall, inboxes, settle, connect, idle, fillHall } = row
  const agents = nodes * agentsPerNode
  const lost = (owed: number, came: number) => (owed === came ? 'none lost' : `${owed - came} LOST`)
  return [
    [`${count(nodes)} nodes, ${count(agents)} agents, real Ed25519, one process`],
    ['  a connection and both hellos', digits(connect.cpuMs / row.links), 'ms CPU', ''],
    ['  a birth: key, binding, grant', digits(settle.cpuMs / agents), 'ms CPU', ''],
    ...bornLines(row.born),
    ['  the same, and its part of its node', digits(settle.bytes / agents / KIB), 'KiB', ''],
    [
      `  each of ${row.listeners} that listen to a group`,
      digits(fillHall.bytes / nodes / row.listeners / KIB),
      'KiB',
      '',
    ],
    ['  a node with nothing to do', digits(idle.cpuMs / nodes / idle.seconds), 'ms CPU/s', ''],
    ['  one to all: first words, a node', digits(row.firstWords.cpuMs / nodes), 'ms CPU', ''],
    ['  one to all: deliveries', count(hall.delivered), '', lost(hall.owed, hall.delivered)],
    ['  one to all: hops, mean and most', `${digits(hall.hopsMean)}, ${hall.hopsMost}`, '', ''],
    ['  one to all: copies at a node', digits(hall.copiesEach), 'of each', ''],
    ['  one to all: a delivery', digits((1_000 * hall.cpuMs) / hall.delivered), 'µs CPU', ''],
    ['  one to one: first messages', count(inboxes.read), '', lost(inboxes.owed, inboxes.read)],
    ['  one to one: each, both nodes', digits(inboxes.cpuMs / inboxes.read), 'ms CPU', ''],
    ['  the whole process', digits(row.residentBytes / MIB), 'MiB resident', ''],
  ]
}

/** P6: memory of an idle agent on a node. */
function idleLine(grants: string, bytes: number): readonly string[] {
  return [
    `  an idle agent, ${grants}`,
    digits(bytes / KIB),
    'KiB',
    verdict(bytes <= IDLE_BYTES_MAX),
  ]
}

function backgroundLines(row: Background): readonly (readonly string[])[] {
  const { nodes, seconds, silent, statuses, presence, members, roster } = row
  const each = (cpuMs: number) => digits(cpuMs / nodes / seconds)
  return [
    [`${count(nodes)} nodes that hear of each other`],
    ['  nobody to hear of', each(silent.cpuMs), 'ms CPU/s a node', ''],
    ['  a maker of agents on each', each(statuses.cpuMs), 'ms CPU/s a node', ''],
    ['  a member of one group besides', each(presence.cpuMs), 'ms CPU/s a node', ''],
    ['  members seen', count(members), '', members === nodes ? 'all' : `of ${nodes}`],
    ['  a member, on another node', digits(roster.bytes / nodes / (members - 1) / KIB), 'KiB', ''],
  ]
}

function checkLines({ checks }: Checked): readonly (readonly string[])[] {
  return [
    ['the model beside the largest, calibrated on the small', 'measured', 'model', 'error'],
    ...Object.entries(checks).map(([what, { measured, model }]) => [
      `  ${what}`,
      digits(measured),
      digits(model),
      percent(model / measured - 1),
    ]),
  ]
}

function modelLines(row: Modelled): readonly (readonly string[])[] {
  return [
    [`model: one message to ${count(row.nodes)} nodes`],
    ['  hops, mean and most', `${digits(row.hopsMean)}, ${row.hopsMost}`, '', ''],
    ['  half, and the last, have it', `${digits(row.halfMs)}, ${digits(row.lastMs)}`, 'ms', ''],
    ['  CPU of all nodes', digits(row.cpuMs / 1_000), 's', ''],
  ]
}

function churnLines(row: Churn): readonly (readonly string[])[] {
  const { born, lastedSeconds, read, cost, before, after, tables } = row
  return [
    [
      `${count(Math.round((60 * born) / lastedSeconds))} agents a minute: born, bound, one message, gone`,
    ],
    ['  messages read', count(read), '', read === born ? 'none lost' : `${born - read} LOST`],
    ['  each, both nodes', digits(cost.cpuMs / born), 'ms CPU', ''],
    [
      '  heap afterwards',
      percent(after / before - 1),
      'of before',
      verdict(after <= 1.05 * before),
    ],
    ...Object.entries(tables).map(([table, sizes]) => [
      `  ${table}: before, most, afterwards`,
      [sizes.before, sizes.most, sizes.after].map(count).join(', '),
      '',
      verdict(sizes.after <= Math.max(1.05 * sizes.before, sizes.before + 8)),
    ]),
  ]
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'MISSED'
}

function percent(part: number): string {
  return `${part < 0 ? '−' : '+'}${Math.abs(100 * part).toFixed(1)} %`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** Three digits that count. */
export function digits(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}
