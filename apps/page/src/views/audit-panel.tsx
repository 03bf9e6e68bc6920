import type { AuditRecord, LogReport } from '@ixj/audit'
import { useState } from 'preact/hooks'
import type { MeshView } from '../mesh/mesh-view.ts'
import { NameText } from './name-text.tsx'

/** Checkpoints that are drawn. */
const CHECKPOINTS_SHOWN = 12
const ROWS_MAX = 150

/** What a check of the log found. */
interface Verified {
  readonly of: 'log' | 'changed copy'
  readonly report: LogReport
  readonly ms: number
}

/** The log of what this page decided, its checkpoints, and a check of all of it. */
export function AuditPanel({ view }: { readonly view: MeshView }) {
  const { audit } = view.node
  const [verified, setVerified] = useState<Verified | null>(null)
  const [isBusy, setBusy] = useState(false)
  const verify = async (of: Verified['of']) => {
    setBusy(true)
    await audit.checkpoint()
    const records = audit.records()
    // One bit of one record, in the midst of the log: of a copy, the log itself stays as it is.
    if (of === 'changed copy') records[Math.floor(records.length / 2)]! ^= 1
    const started = performance.now()
    const report = await audit.verify(records)
    setVerified({ of, report, ms: performance.now() - started })
    setBusy(false)
  }
  const { checkpoints, size, dropped } = audit
  return (
    <div class="audit">
      <section class="card audit-head" aria-label="Log">
        <div class="audit-figures">
          <Figure value={size} label="records" />
          <Figure value={checkpoints.at(-1)?.size ?? 0} label="covered by a checkpoint" />
          <Figure
            value={checkpoints.length}
            label={checkpoints.length === 1 ? 'signed checkpoint' : 'signed checkpoints'}
          />
          {dropped > 0 && <Figure value={dropped} label="in logs before this one" />}
        </div>
        <div class="robot-actions">
          <button class="primary" disabled={isBusy} onClick={() => void verify('log')}>
            Verify all of it here
          </button>
          <button disabled={isBusy} onClick={() => void verify('changed copy')}>
            Flip one bit of a copy, and verify that
          </button>
        </div>
        {verified !== null && <Outcome verified={verified} />}
      </section>
      <section class="card" aria-label="Checkpoints">
        <header class="card-head">
          <h2>Checkpoints</h2>
          <span class="count">the newest first</span>
        </header>
        <ol class="checkpoints">
          {checkpoints
            .slice(-CHECKPOINTS_SHOWN)
            .toReversed()
            .map((checkpoint) => (
              <li key={checkpoint.size}>
                <b>{checkpoint.size.toLocaleString('en')}</b>
                <code>{checkpoint.note.text.split('\n')[2]}</code>
              </li>
            ))}
        </ol>
        {checkpoints.length === 0 && <p class="empty">The first comes within five seconds.</p>}
      </section>
      <section class="card audit-records" aria-label="Records">
        <header class="card-head">
          <h2>Records</h2>
          <span class="count">no bodies, only who, what and why</span>
        </header>
        <ol class="records">
          {view.records
            .slice(-ROWS_MAX)
            .toReversed()
            .map(({ index, record }) => (
              <RecordRow key={index} index={index} record={record} />
            ))}
        </ol>
      </section>
    </div>
  )
}

function Figure({ value, label }: { readonly value: number; readonly label: string }) {
  return (
    <div class="figure-box">
      <b>{value.toLocaleString('en')}</b>
      <span>{label}</span>
    </div>
  )
}

function Outcome({ verified }: { readonly verified: Verified }) {
  const { of, report, ms } = verified
  const holds = report.faults.length === 0
  return (
    <div class={holds ? 'audit-outcome holds' : 'audit-outcome broken'} role="status">
      <b>{holds ? 'The log holds.' : `The ${of} does not hold.`}</b>
      <p>
        {countOf(report.size, 'record')} and {countOf(report.checkpoints, 'checkpoint')} checked in{' '}
        {Math.max(1, Math.round(ms))} ms, in this page.
      </p>
      {report.faults.slice(0, 4).map((fault) => (
        <p key={`${fault.code} ${fault.from}`} class="fault">
          <code>{fault.code}</code> {fault.message}
        </p>
      ))}
    </div>
  )
}

function RecordRow({ index, record }: { readonly index: number; readonly record: AuditRecord }) {
  return (
    <li>
      <span class="record-index">{index}</span>
      <span class="record-kind">{record.kind}</span>
      <RecordText record={record} />
    </li>
  )
}

function RecordText({ record }: { readonly record: AuditRecord }) {
  switch (record.kind) {
    case 'bundle':
      return (
        <span class="record-text">
          <NameText name={record.sender ?? 'unreadable'} /> {record.action} →{' '}
          {record.topic?.split('.')[0]} <small>{countOf(record.messages, 'message')}</small>
          {record.code === null ? null : <b class="record-code">{record.code}</b>}
        </span>
      )
    case 'statement':
      return (
        <span class="record-text">
          <NameText name={record.issuer} /> {record.act} a {record.statement}
          {record.subject === null ? '' : ` for ${record.subject}`}
        </span>
      )
    case 'approval':
      return (
        <span class="record-text">
          <NameText name={record.approver} /> let <NameText name={record.sender} /> through
        </span>
      )
    case 'repeats':
      return (
        <span class="record-text">
          {record.count} × <b class="record-code">{record.code}</b> of {record.sender ?? 'somebody'}
        </span>
      )
    case 'gap':
      return (
        <span class="record-text">
          {record.lost} records are missing: {record.reason}
        </span>
      )
  }
}

function countOf(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`
}
