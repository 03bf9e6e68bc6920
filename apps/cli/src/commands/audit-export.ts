import { type AuditRecord, formatWitnessRequest } from '@ixj/audit'
import type { Name } from '@ixj/names'
import type { Home } from '@ixj/node/home'
import { toHex } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument, numberArgument } from '../arguments.ts'
import {
  type AccountableAction,
  actionJson,
  actionsCsv,
  actionBlocks,
  REPORT_ROWS_MAX,
} from '../audit/accountability.ts'
import {
  addLogOptions,
  addTrustOptions,
  type LogSource,
  openSource,
  timeArgument,
  type TrustFlags,
  trustOf,
} from '../audit/log-source.ts'
import { recordJson, timeText } from '../audit/record-text.ts'
import { type Verified, verifiedJson, verifiedText, verifySource } from '../audit/verified-log.ts'
import { requestFor } from '../audit/witness-log.ts'
import { ArgumentError, CommandError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import type { Output } from '../output.ts'

interface ExportFlags extends TrustFlags {
  readonly since?: number
  readonly until?: number
  readonly accountability?: boolean
  readonly csv?: boolean
  readonly forWitness?: boolean
  readonly old: number
}

const HELP = `
Without more: every record of the period, one JSON object a line, with its own bytes.
--accountability: a report of who answers for each action: the name that did it, its organisation, on
whose behalf, by which grants of whom, who approved it, and which rule of the policy decided. The log
is verified whole on the way, and the report says what was found; it ends with 1 if anything is wrong.
--json gives it as one object a line, --csv for a spreadsheet.

Examples:
  $ ixj audit export --accountability --since 2026-11-01 --until 2026-12-01
  $ ixj audit export node1.acme.example --accountability --csv > november.csv
  $ ixj audit export node1.acme.example --for-witness --old 120 > request`

/** Registers `audit export`. */
export function addAuditExport(audit: Command): void {
  const command = audit
    .command('export')
    .description('hand out records, a report of who answers for what, or a request for a witness')
    .argument('[node]', 'whose log (default: the only one of this home)', nameArgument)
    .option('--since <time>', 'from this time on', timeArgument)
    .option('--until <time>', 'before this time', timeArgument)
    .option('--accountability', 'who answers for each action')
    .option('--csv', 'the report as CSV')
    .option('--for-witness', 'what a witness is asked: the newest checkpoint, and the way to it')
    .option(
      '--old <size>',
      'the size of the checkpoint that the witness cosigned last',
      numberArgument({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      0,
    )
  addTrustOptions(addLogOptions(command))
    .addHelpText('after', HELP)
    .action(async (node: Name | undefined, flags: ExportFlags, invoked: Command) => {
      const { output, openHome } = invocationOf(invoked)
      const home = await openHome()
      const source = await openSource(home, node, flags)
      if (flags.csv === true && flags.accountability !== true) {
        throw new ArgumentError('usage', 'Cannot use --csv alone: it is for --accountability')
      }
      if (flags.forWitness === true) {
        const text = formatWitnessRequest(await requestFor(source.log, flags.old))
        output.print({ request: text }, text.trimEnd())
      } else if (flags.accountability === true) await reportOn(home, source, { flags, output })
      else await exportRecords(source, { flags, output })
    })
}

async function exportRecords(
  { log }: LogSource,
  given: { readonly flags: ExportFlags; readonly output: Output },
): Promise<void> {
  for await (const read of log.records()) {
    if (!isWithin(read.record, given.flags)) continue
    const record = { ...recordJson(read), bytes: toHex(read.bytes) }
    given.output.print(record, JSON.stringify(record))
  }
}

async function reportOn(
  home: Home,
  source: LogSource,
  given: { readonly flags: ExportFlags; readonly output: Output },
): Promise<void> {
  const { flags, output } = given
  const trust = await trustOf(home, source, flags)
  const actions: AccountableAction[] = []
  const missing = { repeats: 0, gaps: 0 }
  const onRecord = (record: AuditRecord, index: number): void => {
    if (!isWithin(record, flags)) return
    if (record.kind === 'repeats') missing.repeats += record.count
    if (record.kind === 'gap') missing.gaps += record.lost
    if (record.kind !== 'bundle') return
    if (actions.length >= REPORT_ROWS_MAX) {
      const limit = `more than ${REPORT_ROWS_MAX} actions; choose a shorter period`
      throw new CommandError('too-large', `Cannot report: ${limit}`)
    }
    actions.push({ index, record })
  }
  const verified = await verifySource(home, source, { trust, onRecord })
  printReport(output, { actions, missing, verified, flags })
  if (!verified.isWhole) process.exitCode = 1
}

function printReport(
  output: Output,
  report: {
    readonly actions: readonly AccountableAction[]
    readonly missing: { readonly repeats: number; readonly gaps: number }
    readonly verified: Verified
    readonly flags: ExportFlags
  },
): void {
  const { actions, missing, verified, flags } = report
  const { since, until } = flags
  const period = {
    since: since === undefined ? null : timeText(since),
    until: until === undefined ? null : timeText(until),
  }
  const counts = {
    actions: actions.length,
    refusalsCounted: missing.repeats,
    missing: missing.gaps,
  }
  if (output.json) {
    output.print({ event: 'log', ...verifiedJson(verified), ...period, ...counts }, '')
    for (const action of actions) output.print({ event: 'action', ...actionJson(action) }, '')
    return
  }
  const from = period.since ?? 'its beginning'
  const told = [
    verifiedText(verified),
    `period   ${from} to ${period.until ?? 'its end'}`,
    `actions  ${counts.actions}; ${counts.refusalsCounted} more refusals were alike and only counted; ${counts.missing} records are missing in gaps`,
  ].join('\n')
  if (flags.csv === true) {
    output.print({}, actionsCsv(actions))
    output.note({}, told)
  } else output.print({}, `${told}\n\n${actionBlocks(actions)}`)
}

function isWithin(record: AuditRecord, { since, until }: ExportFlags): boolean {
  return record.at >= (since ?? 0) && record.at < (until ?? Infinity)
}
