import { ManualClock } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { expect, test } from 'vitest'
import { openPageAuditLog } from '../src/audit/page-audit-log.ts'
import { generateWebCryptoKey, webCryptoVerifier } from '../src/web-crypto-keys.ts'
import { subtle } from './page-parts.ts'

const NODE = parseName('sam.acme.example')

async function openLog(bytesMax?: number) {
  const clock = new ManualClock({ now: 1_000, settle: () => new Promise(setImmediate) })
  const log = await openPageAuditLog(NODE, {
    clock,
    verifier: webCryptoVerifier(subtle),
    generateKey: () => generateWebCryptoKey(subtle),
    ...(bytesMax === undefined ? {} : { bytesMax }),
  })
  return { clock, log }
}

function gap(lost: number) {
  return { kind: 'gap', at: 1_000, since: 900, lost, reason: 'test' } as const
}

test('a page log verifies, and tells every single flipped bit of a record', async () => {
  const { log } = await openLog()
  for (let lost = 0; lost < 5; lost++) log.append(gap(lost))
  await log.checkpoint()
  expect(await log.verify()).toMatchObject({ size: 5, covered: 5, checkpoints: 1, faults: [] })
  const records = log.records()
  const unseen: number[] = []
  for (let bit = 0; bit < records.length * 8; bit++) {
    const flipped = records.slice()
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    if ((await log.verify(flipped)).faults.length === 0) unseen.push(bit)
  }
  expect(unseen).toEqual([])
})

test('a page log is covered by a checkpoint without being asked', async () => {
  const { log, clock } = await openLog()
  log.append(gap(1))
  expect(log.checkpoints).toEqual([])
  await clock.advance(5_000)
  await log.checkpoint()
  expect(log.checkpoints.map(({ size }) => size)).toEqual([1])
})

test('a full page log gives way to the next, which counts what is gone and verifies alone', async () => {
  const { log } = await openLog(400)
  for (let lost = 0; lost < 20; lost++) log.append(gap(lost))
  await log.checkpoint()
  expect(log.size + log.dropped).toBe(20)
  expect(log.dropped).toBeGreaterThan(0)
  expect(await log.verify()).toMatchObject({ covered: log.size, faults: [] })
})
