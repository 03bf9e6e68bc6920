import {
  AuditError,
  checkCosigned,
  type CheckpointTrust,
  formatNoteKey,
  formatSignedCheckpoint,
  type LogReport,
  type NoteKey,
  type OnRecord,
  openCheckpoint,
  type SignedCheckpoint,
  verifyLog,
} from '@ixj/audit'
import { type Home, nodeSha256 } from '@ixj/node/home'
import { utf8Bytes, utf8Text } from '@ixj/trust'
import { columns, printable, type Record } from '../output.ts'
import type { LogSource } from './log-source.ts'
import { timeText } from './record-text.ts'

/** What was found of a log, and who has witnessed it. */
export interface Verified {
  readonly trust: CheckpointTrust
  readonly report: LogReport
  /** For each witness that was asked for: what it covers and when, or why it does not count. */
  readonly witnesses: readonly Witnessed[]
  /** Nothing is wrong, there is a checkpoint, and every witness that was asked for has signed. */
  readonly isWhole: boolean
}

/** What one witness says. */
export interface Witnessed {
  readonly key: NoteKey
  /** Records that it covers; 0: it has not signed. */
  readonly size: number
  /** Seconds since the Unix epoch; 0: it has not signed. */
  readonly seconds: number
}

/**
 * Checks a log whole, against what this home saw of it before and what witnesses cosigned, and
 * remembers what it saw.
 */
export async function verifySource(
  home: Home,
  source: LogSource,
  options: {
    readonly trust: CheckpointTrust
    readonly witnesses?: readonly NoteKey[]
    readonly seen?: readonly string[]
    readonly onRecord?: OnRecord
  },
): Promise<Verified> {
  const { trust } = options
  const { log } = source
  const memory = `audit-seen/${trust.key.name}`
  const before = await home.store().get(memory)
  // The node may be writing: what was seen or cosigned is among its checkpoints by then, and records
  // are there before they are covered.
  const cosigned = await openNotes(await log.cosigned(), trust)
  const checkpoints = await log.checkpoints()
  const seen = [
    ...(options.seen ?? []),
    ...(before === undefined ? [] : [utf8Text(before)]),
    // A cosignature is worth something for the history alone that it is under.
    ...cosigned.map((each) => formatSignedCheckpoint(each)),
  ]
  const report = await verifyLog(
    { records: log.pieces(), checkpoints, seen },
    trust,
    options.onRecord,
  )
  const witnesses: Witnessed[] = []
  for (const key of options.witnesses ?? []) witnesses.push(await askWitness(key, cosigned, trust))
  const isProven = report.faults.length === 0 && report.checkpoints > 0
  const isWhole = isProven && witnesses.every(({ size }) => size > 0)
  if (report.faults.length === 0 && report.latest !== null) {
    await home.store().set(memory, utf8Bytes(formatSignedCheckpoint(report.latest)))
  }
  return { trust, report, witnesses, isWhole }
}

/** The checkpoints that the log's key has signed; another note is worth nothing. */
async function openNotes(
  notes: readonly string[],
  trust: CheckpointTrust,
): Promise<readonly SignedCheckpoint[]> {
  const opened: SignedCheckpoint[] = []
  for (const note of notes) {
    try {
      opened.push(await openCheckpoint(note, trust))
    } catch (cause) {
      if (!(cause instanceof AuditError)) throw cause
    }
  }
  return opened
}

/** The largest checkpoint that a witness has cosigned. */
async function askWitness(
  key: NoteKey,
  checkpoints: readonly SignedCheckpoint[],
  trust: CheckpointTrust,
): Promise<Witnessed> {
  let found: Witnessed = { key, size: 0, seconds: 0 }
  for (const checkpoint of checkpoints) {
    try {
      const seconds = await checkCosigned(checkpoint, key, trust)
      if (checkpoint.size >= found.size) found = { key, size: checkpoint.size, seconds }
    } catch (cause) {
      // It has not signed this one, or not well; who asked is told if there is no other.
      if (!(cause instanceof AuditError)) throw cause
    }
  }
  return found
}

/** What was found, for programs. */
export function verifiedJson({ trust, report, witnesses, isWhole }: Verified): Record {
  return {
    log: trust.key.name,
    key: formatNoteKey(trust.key, nodeSha256),
    whole: isWhole,
    records: report.size,
    covered: report.covered,
    checkpoints: report.checkpoints,
    unfinishedBytes: report.unfinished,
    checkpoint: report.latest === null ? null : formatSignedCheckpoint(report.latest),
    witnesses: witnesses.map(({ key, size, seconds }) => ({
      name: key.name,
      covered: size,
      time: size === 0 ? null : timeText(seconds * 1_000),
    })),
    faults: report.faults.map(({ code, from, to, message }) => ({ code, from, to, message })),
  }
}

/** What was found, for people. */
export function verifiedText(verified: Verified): string {
  const { trust, report, witnesses, isWhole } = verified
  const covered = `${report.covered} covered by ${report.checkpoints} checkpoints`
  const rows = [
    ['log', trust.key.name],
    ['key', formatNoteKey(trust.key, nodeSha256)],
    ['records', `${report.size}, ${covered}`],
    ...(report.unfinished === 0 ? [] : [['unfinished', `${report.unfinished} bytes at the end`]]),
    ...witnesses.map(({ key, size, seconds }) => {
      const when = size === 0 ? 'has not signed' : `${size} records, ${timeText(seconds * 1_000)}`
      return ['witness', `${key.name}  ${when}`]
    }),
    ...report.faults.map(({ code, message }) => [`FAULT ${code}`, message]),
    ['verdict', isWhole ? verdictOf(report) : faultyVerdictOf(report)],
  ]
  return columns(rows.map((row) => row.map((cell) => printable(cell))))
}

function faultyVerdictOf({ faults, checkpoints }: LogReport): string {
  if (faults.length > 0) return 'NOT WHOLE: do not rely on it'
  if (checkpoints === 0) return 'NOTHING PROVEN: there is no checkpoint of this key'
  return 'NOT WITNESSED: a witness that was asked for has not signed'
}

function verdictOf({ size, covered }: LogReport): string {
  const rest = size - covered
  const whole = 'whole: every covered record is the one that was signed'
  return rest === 0 ? whole : `${whole}; the last ${rest} are not covered yet`
}
