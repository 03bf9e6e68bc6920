import { ManualClock } from '@ixj/agent'
import { type AuditRecord, type LogReport, verifyLog } from '@ixj/audit'
import { openAuditLog } from '../../packages/node/src/audit/audit-log.ts'
import { LOG_GATHER_MS } from '../../packages/node/src/audit/limits.ts'
import type { LogFiles } from '../../packages/node/src/audit/log-files.ts'
import { recordsIn, SIGNER, TRUST } from './numbered-log.ts'
import { seededRandom } from './random.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const START = 1_800_000_000_000

/** The numbers of records; a gap is told as what is missing. */
export function numbersOf(records: readonly AuditRecord[]): (number | string)[] {
  return records.map((record) => (record.kind === 'gap' ? `gap of ${record.lost}` : record.at))
}

/** Time that lets everything of a simulated disk happen between its steps. */
export function openClock(): ManualClock {
  return new ManualClock({
    now: START,
    settle: () => new Promise<void>((done) => setImmediate(done)),
  })
}

/** A disk and a clock, on which logs are opened one after the other. */
export class LogBench {
  /** Of the process that runs on it. */
  clock: ManualClock
  readonly disk: SimulatedDisk

  constructor(seed = 1, clock = openClock()) {
    this.clock = clock
    this.disk = new SimulatedDisk(seededRandom(seed))
  }

  /** Opens the log. */
  open(files: LogFiles = this.disk) {
    return openAuditLog({ ...TRUST, files, signer: SIGNER, clock: this.clock })
  }

  /** Gives the power back, and starts another process: what the last one waited for is gone with it. */
  restart(): void {
    this.disk.trouble = () => undefined
    this.disk.restart()
    this.clock = openClock()
  }

  /** Lets everything happen that needs no more time than a group of records gathers. */
  async settle(): Promise<void> {
    await this.clock.advance(LOG_GATHER_MS)
    for (let turns = 0; turns < 5; turns++) await new Promise<void>((done) => setImmediate(done))
  }

  /** The records that are in the file, whole ones. */
  records(): readonly AuditRecord[] {
    return recordsIn(this.disk.bytes('records'))
  }

  /** What a verifier finds, who saw these checkpoints before. */
  verify(seen: readonly string[] = []): Promise<LogReport> {
    const checkpoints = this.disk.bytes('checkpoints')
    return verifyLog({ records: one(this.disk.bytes('records')), checkpoints, seen }, TRUST)
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
