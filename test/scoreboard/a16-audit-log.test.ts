import { formatSignedCheckpoint, type LogFault, verifyLog } from '@ixj/audit'
import { concatBytes } from '@ixj/trust'
import { nodeSha256 as hash, openNodeVerifier } from '@ixj/node'
import { describe, expect, it } from 'vitest'
import { KEY, makeLog, type MadeLog, pieces } from '../../packages/audit/test/made-log.ts'
import { seededRandom } from '../world/random.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const trust = { key: KEY, verifier: openNodeVerifier(), hash }
const RECORDS = 32
const AT = [8, 16, 32]

/** What a verifier finds who has seen the last checkpoint. */
async function faultsOf(log: MadeLog, changed: Partial<MadeLog>): Promise<readonly LogFault[]> {
  const { recordBytes, checkpointBytes: checkpoints } = { ...log, ...changed }
  const seen = [formatSignedCheckpoint(log.checkpoints.at(-1)!)]
  return (await verifyLog({ records: pieces(recordBytes), checkpoints, seen }, trust)).faults
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice()
  changed[bit >> 3]! ^= 1 << (bit & 7)
  return changed
}

const joined = (frames: readonly Uint8Array[]) => ({ recordBytes: concatBytes(...frames) })

/** The record that a bit of the file belongs to. */
function recordAt(log: MadeLog, bit: number): number {
  let end = 0
  return log.frames.findIndex((frame) => (end += frame.length) > bit >> 3)
}

describe('A16: changed audit logs', () => {
  const step = isFull ? 1 : 97

  it(
    'every single flipped bit is found, and the record that it is in',
    async () => {
      const log = await makeLog(RECORDS, { checkpointsAt: AT })
      let found = 0
      let tried = 0
      for (let bit = 0; bit < log.recordBytes.length * 8; bit += step) {
        const faults = await faultsOf(log, { recordBytes: flipped(log.recordBytes, bit) })
        const record = recordAt(log, bit)
        tried += 1
        if (faults.some(({ from }) => from === record)) found += 1
      }
      for (let bit = 0; bit < log.checkpointBytes.length * 8; bit += step) {
        const faults = await faultsOf(log, { checkpointBytes: flipped(log.checkpointBytes, bit) })
        tried += 1
        if (faults.length > 0) found += 1
      }
      expect(
        report({
          id: 'A16',
          what: `single bits of an audit log of ${RECORDS} records and 3 checkpoints, flipped`,
          count: found,
          of: tried,
          counted: 'found, with their record',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )

  it(
    'every cut, swap, insertion, deletion, replacement, fork and rollback is found',
    async () => {
      const log = await makeLog(RECORDS, { checkpointsAt: AT })
      const { frames } = log
      const other = await makeLog(RECORDS, { checkpointsAt: AT, from: 1_000 })
      const random = seededRandom(SEED)
      const some = () => isFull || random() < 0.05
      const changes: Partial<MadeLog>[] = []
      const add = (change: () => Partial<MadeLog>) => void (some() && changes.push(change()))
      for (let length = 0; length < log.recordBytes.length; length++) {
        add(() => ({ recordBytes: log.recordBytes.slice(0, length) }))
      }
      for (let length = 0; length < log.checkpointBytes.length; length++) {
        add(() => ({ checkpointBytes: log.checkpointBytes.slice(0, length) }))
      }
      for (let one = 0; one < RECORDS; one++) {
        add(() => joined(frames.toSpliced(one, 1)))
        add(() => joined(frames.with(one, other.frames[one]!)))
        for (let two = 0; two < RECORDS; two++) {
          // The last one put in before itself stands behind the last checkpoint, where any may stand.
          const isAppended = one === two && two === RECORDS - 1
          if (!isAppended) add(() => joined(frames.toSpliced(one, 0, frames[two]!)))
          if (one < two) add(() => joined(frames.with(one, frames[two]!).with(two, frames[one]!)))
        }
      }
      // Another history, signed as well: whole, or from a checkpoint of the first on; or an older one.
      changes.push(other)
      for (const size of AT.slice(0, -1)) {
        const older = await makeLog(size, { checkpointsAt: AT })
        const record = (index: number) => (index < size ? log : other).records[index]!
        changes.push(older, await makeLog(RECORDS, { checkpointsAt: AT, record }))
      }
      let found = 0
      for (const change of changes) if ((await faultsOf(log, change)).length > 0) found += 1
      expect(
        report({
          id: 'A16',
          what: 'cuts, swaps, insertions, deletions, replacements, forks and rollbacks',
          count: found,
          of: changes.length,
          counted: 'found by one who saw the last checkpoint',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
