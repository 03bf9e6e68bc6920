import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BundleRecord, encodeRecord } from '@ixj/audit'
import { parseName } from '@ixj/names'
import {
  diskLogFiles,
  type FileAuditLog,
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  openAuditLog,
  openNodeVerifier,
  systemClock,
} from '@ixj/node'
import { percentile } from '../table.ts'

const RECORDS = 200_000
const WAITED = 2_000
/** Records in one turn of the event loop: what a busy node takes in between two looks at its disk. */
const TURN = 64
/** Turns whose records may wait to be safe. */
const TURNS_WAITING_MAX = 64

/** One figure of the audit log. */
export interface AuditFigure {
  readonly what: string
  readonly value: number
  readonly unit: 'records/s' | 'µs' | 'bytes'
  /** The least, or for `µs` the most, that it should be. */
  readonly goal?: number
}

/**
 * What an audit log on the disk of this machine takes: records a second until all are safe, how long
 * one waits that is acknowledged, and what a record costs the thread that decides about bundles.
 */
export async function benchAudit(
  scale: number,
  progress: (line: string) => void,
): Promise<readonly AuditFigure[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-bench-audit-'))
  const figures: AuditFigure[] = []
  {
    await using log = await openLog(join(folder.path, 'throughput'))
    progress('records a second')
    const count = Math.ceil(RECORDS * scale)
    const { perSecond, busy } = await fill(log, count)
    figures.push(
      {
        what: 'audit: records until safe, group commit',
        value: perSecond,
        unit: 'records/s',
        goal: 20_000,
      },
      { what: 'audit: CPU of all threads a record', value: busy, unit: 'µs' },
    )
  }
  await using log = await openLog(join(folder.path, 'latency'))
  progress('acknowledged one by one')
  const waits = await waitEach(log, Math.ceil(WAITED * scale))
  progress('what it adds to a bundle')
  figures.push(
    { what: 'audit: acknowledged alone, p50', value: percentile(waits, 0.5), unit: 'µs' },
    {
      what: 'audit: acknowledged alone, p99',
      value: percentile(waits, 0.99),
      unit: 'µs',
      goal: 20_000,
    },
    { what: 'audit: added to an accepted bundle', value: await addedTo(log), unit: 'µs' },
    { what: 'audit: a record of a bundle', value: encodeRecord(recordOf(1)).length, unit: 'bytes' },
  )
  return figures
}

/** A record as a bundle under two grants makes it. */
function recordOf(number: number): BundleRecord {
  return {
    kind: 'bundle',
    at: 1_800_000_000_000 + number,
    via: parseName('node2.acme.example'),
    action: 'publish',
    class: 'event',
    topic: parseName('crew.acme.example'),
    sender: parseName('w1.planner.acme.example'),
    signed: true,
    organisation: parseName('acme.example'),
    onBehalfOf: parseName('acme.example'),
    delegators: [parseName('acme.example'), parseName('planner.acme.example')],
    id: IDS[number % IDS.length]!,
    grants: [IDS[0]!, IDS[1]!],
    proof: IDS[2]!,
    approvers: [],
    messages: 256,
    code: null,
    rule: 'default: grants inside the organisation',
    agents: [{ name: parseName('desk.acme.example'), code: null }],
    agentsCount: 1,
  }
}

const IDS = Array.from({ length: 64 }, () => nodeRandom(32))

function openLog(folder: string): Promise<FileAuditLog> {
  const signer = generateNodeKey()
  const name = 'node1.acme.example/ixj/audit'
  return openAuditLog({
    files: diskLogFiles(folder),
    key: { name, use: 'note', publicKey: signer.publicKey },
    signer,
    verifier: openNodeVerifier(),
    clock: systemClock,
    hash: nodeSha256,
  })
}

/** Appends so many in turns, as bundles come, until the last is safe. */
async function fill(log: FileAuditLog, count: number) {
  const records = Array.from({ length: 1_024 }, (_, index) => recordOf(index))
  const cpu = process.cpuUsage()
  const started = performance.now()
  const waiting: Promise<void>[] = []
  for (let done = 0; done < count; done += TURN) {
    for (let each = 1; each < TURN; each++) log.append(records[(done + each) % 1_024]!)
    waiting.push(log.appendSafely(records[done % 1_024]!))
    // So many may be on their way at once, as when each neighbour waits for its own.
    if (waiting.length >= TURNS_WAITING_MAX) await waiting.shift()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  await Promise.all(waiting)
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: log.size / seconds, busy: (user + system) / log.size }
}

async function waitEach(log: FileAuditLog, count: number): Promise<readonly number[]> {
  const waits: number[] = []
  for (let number = 0; number < count; number++) {
    const started = performance.now()
    await log.appendSafely(recordOf(number))
    waits.push((performance.now() - started) * 1_000)
  }
  return waits
}

/** What `append` takes of the thread that decides, per record: the disk is others' work. */
async function addedTo(log: FileAuditLog): Promise<number> {
  const records = Array.from({ length: 1_024 }, (_, index) => recordOf(index))
  const rounds: number[] = []
  for (let round = 0; round < 20; round++) {
    const started = performance.now()
    for (const record of records) log.append(record)
    rounds.push(((performance.now() - started) * 1_000) / records.length)
    await log.appendSafely(recordOf(0))
  }
  return percentile(rounds, 0.5)
}
