import { ManualClock } from '@ixj/agent'
import {
  type AuditRecord,
  decodeRecord,
  FrameReader,
  type LogReport,
  type NoteKey,
  type StatementRecord,
  verifyLog,
} from '@ixj/audit'
import { nodeSha256 as hash, nodeSigner, openNodeVerifier } from '@ixj/node'
import { sha256, utf8Bytes } from '@ixj/trust'
import { SimulatedDisk } from './simulated-disk.ts'
import { name } from './world.ts'
import { seededRandom } from './random.ts'
import { openAuditLog } from '../../packages/node/src/audit/audit-log.ts'
import type { LogFiles } from '../../packages/node/src/audit/log-files.ts'

export const SIGNER = nodeSigner(sha256(utf8Bytes('a log')))
export const KEY: NoteKey = {
  name: 'n1.acme.example/ixj/audit',
  use: 'note',
  publicKey: SIGNER.publicKey,
}
const TRUST = { key: KEY, verifier: openNodeVerifier(), hash }
const START = 1_800_000_000_000

/** A record with a number of its own. */
export function numbered(number: number, bytes = 0): StatementRecord {
  return {
    kind: 'statement',
    at: number,
    act: 'issued',
    statement: 'grant',
    id: sha256(utf8Bytes(`statement ${number}`)),
    issuer: name('acme.example'),
    onBehalfOf: null,
    subject: 'x'.repeat(bytes),
    parent: null,
    notAfter: 1,
  }
}

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
  readonly clock: ManualClock
  readonly disk: SimulatedDisk

  constructor(seed = 1, clock = openClock()) {
    this.clock = clock
    this.disk = new SimulatedDisk(seededRandom(seed))
  }

  /** Opens the log. */
  open(files: LogFiles = this.disk) {
    return openAuditLog({ ...TRUST, files, signer: SIGNER, clock: this.clock })
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    await this.clock.advance(0)
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

/** The whole records of a file. */
export function recordsIn(bytes: Uint8Array): readonly AuditRecord[] {
  return [...new FrameReader().push(bytes)].map(({ record }) => decodeRecord(record))
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
