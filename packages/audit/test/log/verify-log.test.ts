import {
  type AuditRecord,
  formatSignedCheckpoint,
  LOG_FAULTS_MAX,
  splitCheckpointList,
  verifyLog,
} from '@ixj/audit'
import { nodeSha256 as hash, openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { concatBytes, utf8Bytes, utf8Text } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { KEY, makeLog, type MadeLog, pieces, recordOf } from '../made-log.ts'

const trust = { key: KEY, verifier: openNodeVerifier(), hash }

async function check(
  log: { readonly recordBytes: Uint8Array; readonly checkpointBytes: Uint8Array },
  seen: readonly string[] = [],
) {
  const { recordBytes, checkpointBytes: checkpoints } = log
  return await verifyLog({ records: pieces(recordBytes), checkpoints, seen }, trust)
}

const faultsOf = async (...given: Parameters<typeof check>) =>
  (await check(...given)).faults.map(({ code, from, to }) => [code, from, to])

const withFrames = (log: MadeLog, frames: readonly Uint8Array[]) => ({
  ...log,
  recordBytes: concatBytes(...frames),
})

describe('verifyLog()', () => {
  const honest = () => makeLog(20, { checkpointsAt: [5, 10, 20] })

  it('finds nothing wrong with an honest log, and tells every record', async () => {
    const log = await honest()
    const told: AuditRecord[] = []
    const { recordBytes, checkpointBytes: checkpoints } = log
    const report = await verifyLog(
      { records: pieces(recordBytes), checkpoints },
      trust,
      (record) => void told.push(record),
    )
    expect(report).toMatchObject({
      size: 20,
      covered: 20,
      checkpoints: 3,
      unfinished: 0,
      faults: [],
    })
    expect(report.latest).toEqual(log.checkpoints.at(-1))
    expect(told).toEqual(Array.from({ length: 20 }, (_, index) => recordOf(index)))
  })

  it('takes records that no checkpoint covers yet for what they are', async () => {
    const log = await makeLog(20, { checkpointsAt: [10] })
    expect(await check(log)).toMatchObject({ size: 20, covered: 10, faults: [] })
  })

  it('tells a write that was broken off from a fault', async () => {
    const log = await makeLog(20, { checkpointsAt: [10] })
    const recordBytes = log.recordBytes.slice(0, -7)
    const report = await check({ ...log, recordBytes })
    expect(report).toMatchObject({ size: 19, covered: 10, faults: [] })
    expect(report.unfinished).toBe(log.frames[19]!.length - 7)
  })

  it('says which record has a flipped bit', async () => {
    const log = await honest()
    const frames = log.frames.map((frame) => frame.slice())
    frames[7]![20]! ^= 4
    expect(await faultsOf(withFrames(log, frames))).toEqual([['flipped', 7, 7]])
  })

  it('says after which record nothing can be read, when a length was changed', async () => {
    const log = await honest()
    const frames = log.frames.map((frame) => frame.slice())
    frames[7]![0]! ^= 1
    expect(await faultsOf(withFrames(log, frames))).toEqual([['flipped', 7, 19]])
  })

  it('finds records that are missing at the end', async () => {
    const log = await honest()
    expect(await faultsOf(withFrames(log, log.frames.slice(0, 12)))).toEqual([['cut', 12, 19]])
  })

  it('finds a record that was taken out, between the checkpoints around it', async () => {
    const log = await honest()
    const frames = log.frames.toSpliced(7, 1)
    expect(await faultsOf(withFrames(log, frames))).toEqual([
      ['altered', 5, 9],
      ['cut', 19, 19],
    ])
  })

  it('finds a record that was put in, and two that changed places', async () => {
    const log = await honest()
    const { frames } = log
    expect(await faultsOf(withFrames(log, frames.toSpliced(12, 0, frames[3]!)))).toEqual([
      ['altered', 10, 19],
    ])
    const swapped = frames.with(6, frames[7]!).with(7, frames[6]!)
    expect(await faultsOf(withFrames(log, swapped))).toEqual([['altered', 5, 9]])
  })

  it('finds a record that was replaced by a whole one', async () => {
    const log = await honest()
    const other = await makeLog(1, { checkpointsAt: [], from: 1_000 })
    const frames = log.frames.with(2, other.frames[0]!)
    expect(await faultsOf(withFrames(log, frames))).toEqual([['altered', 0, 4]])
  })

  it('finds two histories that the log key signed', async () => {
    const log = await honest()
    const other = await makeLog(10, { checkpointsAt: [10], from: 500 })
    const checkpointText =
      formatSignedCheckpoint(log.checkpoints[0]!) +
      utf8Text(other.checkpointBytes) +
      formatSignedCheckpoint(log.checkpoints[2]!)
    expect(await faultsOf({ ...log, checkpointBytes: utf8Bytes(checkpointText) })).toEqual([
      ['fork', 0, 9],
    ])
  })

  it('finds a log that is another than the one that was seen', async () => {
    const log = await honest()
    const other = await makeLog(10, { checkpointsAt: [10], from: 500 })
    expect(await faultsOf(log, [utf8Text(other.checkpointBytes)])).toEqual([['fork', 0, 9]])
  })

  it('finds a log that went back behind what was seen, whole as it is', async () => {
    const log = await honest()
    const older = await makeLog(10, { checkpointsAt: [5, 10] })
    expect(await faultsOf(older)).toEqual([])
    expect(await faultsOf(older, [formatSignedCheckpoint(log.checkpoints[2]!)])).toEqual([
      ['rollback', 10, 19],
      ['rollback', 10, 19],
    ])
  })

  it('finds checkpoints out of their order', async () => {
    const log = await honest()
    const [first, second, third] = log.checkpoints.map((each) => formatSignedCheckpoint(each))
    const checkpointText = `${first}${third}${second}`
    expect(await faultsOf({ ...log, checkpointBytes: utf8Bytes(checkpointText) })).toEqual([
      ['rollback', 10, 19],
    ])
  })

  it('finds a checkpoint whose text or signature was changed', async () => {
    const log = await honest()
    const text = utf8Text(log.checkpointBytes)
    const faults = [
      await faultsOf({ ...log, checkpointBytes: utf8Bytes(text.replace('\n10\n', '\n11\n')) }),
      await faultsOf({
        ...log,
        checkpointBytes: utf8Bytes(text.replace('acme.example/', 'acme.example.')),
      }),
    ]
    expect(faults).toEqual([[['bad-signature', 5, 5]], [['wrong-origin', 0, 0]]])
  })

  it('lists so many faults, and says that there are more', async () => {
    const count = LOG_FAULTS_MAX + 500
    const log = await makeLog(count, {
      checkpointsAt: [count],
      record: () => Uint8Array.of(0xc1),
    })
    const { faults } = await check(log)
    expect(faults).toHaveLength(LOG_FAULTS_MAX + 1)
    expect(faults.at(-1)).toMatchObject({ from: LOG_FAULTS_MAX, to: count - 1 })
  })

  it('finds a record that says nothing that can be read', async () => {
    const log = await makeLog(3, {
      checkpointsAt: [3],
      record: (index) => Uint8Array.of(0x90 + index),
    })
    expect((await check(log)).faults.map(({ code, from }) => [code, from])).toEqual([
      ['form', 0],
      ['form', 1],
      ['form', 2],
    ])
  })

  it('gives the same report however the file is cut into pieces', async () => {
    const log = await honest()
    for (const size of [1, 3, 100, 4_096]) {
      const records = pieces(log.recordBytes, size)
      const report = await verifyLog({ records, checkpoints: log.checkpointBytes }, trust)
      expect(report).toMatchObject({ size: 20, covered: 20, faults: [] })
    }
  })
})

describe('splitCheckpointList()', () => {
  it('gives the notes that are whole, at every place where a write may break off', async () => {
    const { checkpoints, checkpointBytes } = await makeLog(4, { checkpointsAt: [1, 2, 4] })
    const texts = checkpoints.map((each) => formatSignedCheckpoint(each))
    expect(splitCheckpointList(checkpointBytes).map(({ text }) => text)).toEqual(texts)
    const ends = texts.map((_, index) => utf8Bytes(texts.slice(0, index + 1).join('')).length)
    for (let cut = 0; cut <= checkpointBytes.length; cut++) {
      const whole = ends.filter((end) => end <= cut)
      const listed = splitCheckpointList(checkpointBytes.subarray(0, cut))
      expect(listed).toEqual(whole.map((end, index) => ({ text: texts[index], end })))
    }
  })
})
