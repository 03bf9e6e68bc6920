import { isKnownLicence } from './licence-table.ts'
import type { LicencesReport } from './coordinator.ts'

/** Colours, or nothing where they do not belong. */
export interface Paint {
  bold(text: string): string
  dim(text: string): string
  green(text: string): string
  red(text: string): string
}

/** What the run came to, for people. */
export function formatReport(report: LicencesReport, paint: Paint): string {
  return [
    ...attackLines(report, paint),
    ...tableLines(report, paint),
    ...figureLines(report, paint),
    '',
    report.succeeded
      ? paint.green(
          `✔ the totals agree with a plain count${report.attacks.length > 0 ? ', and every attack was refused' : ''}`,
        )
      : paint.red('✘ the run failed: see above'),
  ].join('\n')
}

function attackLines(report: LicencesReport, paint: Paint): string[] {
  return report.attacks.flatMap((attack, index) => {
    const mark = attack.refused ? paint.green('✔ refused') : paint.red('✘ not refused')
    const tree = attack.refusal?.tree ?? `no refusal with the code ${attack.code} was seen`
    const arrived =
      attack.mustArrive === undefined
        ? []
        : [`${attack.mustArrive.shows}: ${attack.arrived ? 'yes' : 'no'}`]
    return [
      '',
      `${paint.bold(`Attack ${index + 1}: ${attack.name}`)}  ${mark}`,
      ...[attack.what, ...arrived].flatMap((text) =>
        wrapped(text, TEXT_COLUMNS).map((line) => `  ${line}`),
      ),
      ...tree.split('\n').map((line) => paint.dim(`  │ ${line}`)),
    ]
  })
}

/** Columns of a line of the report, after its indent. */
const TEXT_COLUMNS = 78

/** Columns of a figure, after its label. */
const VALUE_COLUMNS = 60

/** A text in lines, parted at spaces. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    const joined = last === undefined ? word : `${last} ${word}`
    if (last === undefined || joined.length > columns) lines.push(word)
    else lines[lines.length - 1] = joined
  }
  return lines
}

function tableLines(report: LicencesReport, paint: Paint): string[] {
  const rulings = new Map(report.rulings)
  const width = Math.max(8, ...report.table.map(([licence]) => licence.length))
  const rows = report.table.map(([licence, packages]) => {
    const ruling = isKnownLicence(licence)
      ? ''
      : `  counsel: ${rulings.get(licence) ?? 'no ruling'}`
    return `${String(packages).padStart(8)}  ${licence.padEnd(width)}${paint.dim(ruling)}`.trimEnd()
  })
  return [
    '',
    paint.bold(`Licences of ${report.packages} packages in ${report.root}`),
    paint.dim(`${'packages'.padStart(8)}  licence`),
    ...rows,
  ]
}

function figureLines(report: LicencesReport, paint: Paint): string[] {
  const { counts, delivery, births, state } = report
  const refused = Object.entries(counts.refused)
    .toSorted(([, more], [, fewer]) => fewer - more)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ')
  const perSecond = births.milliseconds > 0 ? (births.count * 1_000) / births.milliseconds : 0
  const rows: [string, string][] = [
    [
      'processes',
      `${report.processes}, of 2 organisations${report.attacks.length > 0 ? ' and an attacker' : ''}`,
    ],
    [
      'keys and addresses',
      `DNSSEC: ${report.zones
        .map(({ zone }) => zone)
        .toSorted()
        .join(', ')}, a server each`,
    ],
    ['messages sent', String(counts.sent)],
    ['verified, accepted', `${counts.accepted} decisions over all nodes`],
    ['refused, by reason', refused === '' ? 'none' : refused],
    [
      'delivery to ledger',
      `p50 ${delivery.p50} ms, p99 ${delivery.p99} ms over ${delivery.count} results`,
    ],
    ['results, as tasks', `${counts.tasks.acknowledged} of ${counts.tasks.sent} acknowledged`],
    [
      'direct streams',
      `${counts.direct.accepted} bundles accepted, ${counts.direct.resent} sent again, ${counts.direct.lost} lost`,
    ],
    [
      'shared state',
      `${state.registers} registers, the oldest at most ${Math.ceil(state.oldestMs)} ms old`,
    ],
    [
      'births',
      `${births.count} workers, ${perSecond.toFixed(0)} a second, with names and grants of the planner`,
    ],
    [
      'job',
      `${(report.milliseconds / 1_000).toFixed(2)} s in ${report.rounds} rounds, ${report.reassigned} folders given again`,
    ],
    ['missing workers', report.missing.length === 0 ? 'none' : report.missing.join(', ')],
    ['plain count', report.agrees ? 'agrees' : paint.red('differs')],
  ]
  return [
    '',
    ...rows.flatMap(([label, value]) =>
      wrapped(value, VALUE_COLUMNS).map(
        (line, index) => `${(index === 0 ? label : '').padEnd(19)} ${line}`,
      ),
    ),
  ]
}

/** How to look into the zones while their servers still run. */
export function formatZones(report: LicencesReport): string {
  const lines = report.zones.map(({ zone, server, anchors }) => {
    const name = zone === 'acme.example' ? 'planner.acme.example' : `counsel.${zone}`
    return `  npx ixj resolve ${name} --server ${server} --anchors ${anchors}`
  })
  const stays = 'The nodes have ended; the name servers stay up until Ctrl-C. Look into them:'
  return ['', stays, ...lines].join('\n')
}
