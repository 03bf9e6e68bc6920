import { appendFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { annsBundle, carry, CREW, openScene, type Scene } from '../../packages/agent/test/scene.ts'
import { LOG_RETRY_MS } from '../../packages/node/src/audit/limits.ts'
import { canMakeDisks, openSmallDisk } from '../world/dns/small-disk.ts'
import { LogBench, openClock } from '../world/log-bench.ts'
import { numbered, openLogAt, recordsAt } from '../world/numbered-log.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const ROUNDS = Math.max(2, scaled(200))

interface Outcome {
  right: number
  of: number
}

/** Whether state passes and events do not, while nothing can be recorded. */
async function tryBoth(scene: Scene, first: number, epoch: number, expected: string) {
  const event = await annsBundle(scene, CREW, { epoch, first })
  const state = await annsBundle(scene, CREW, { epoch, first, class: 'state', lifespanMs: 5_000 })
  const codes = [(await carry(scene, event)).code, (await carry(scene, state)).code]
  return codes.join() === [expected, 'accepted'].join()
}

describe('F4: a log that cannot be written', () => {
  it(
    'lets state through alone, records the gap first afterwards, and recovers by itself',
    async () => {
      const outcome: Outcome = { right: 0, of: 0 }
      for (const trouble of ['disk-full', 'io-error'] as const) {
        const bench = new LogBench(SEED)
        await using log = await bench.open()
        await using scene = await openScene({ audit: log })
        const epoch = scene.world.clock.now()
        for (let round = 0; round < ROUNDS / 2; round++) {
          const before = log.size
          bench.disk.trouble = () => trouble
          log.append(numbered(round))
          await bench.settle()
          const failing = await tryBoth(scene, 2 * round + 1, epoch, 'log-unwritable')
          bench.disk.trouble = () => undefined
          await bench.clock.advance(LOG_RETRY_MS)
          await bench.settle()
          const mended = await tryBoth(scene, 2 * round + 2, epoch, 'accepted')
          await bench.settle()
          const gap = bench.records()[before]
          const isRight = gap?.kind === 'gap' && gap.lost > 0
          outcome.of += 1
          if (failing && mended && isRight) outcome.right += 1
        }
      }
      expect(
        report({
          id: 'F4',
          what: 'times that a simulated disk was full or failed',
          count: outcome.right,
          of: outcome.of,
          counted: 'in which only state passed, the gap came first, and all went on by itself',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )

  it.runIf(canMakeDisks())(
    'does so on a real disk of 1 MiB that is full, and when there is room again',
    async () => {
      const rounds = Math.max(1, scaled(100))
      let right = 0
      for (let round = 0; round < rounds; round++) if (await fillRealDisk()) right += 1
      expect(
        report({
          id: 'F4',
          what: 'times that a real disk of 1 MiB was full',
          count: right,
          of: rounds,
          counted: 'in which the gap came first and nothing acknowledged was lost',
          goal: 'all',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})

/** Fills a small disk beside a log, makes room, and looks at what the log says. */
async function fillRealDisk(): Promise<boolean> {
  await using disk = await openSmallDisk(1_024)
  const clock = openClock()
  const folder = join(disk.folder, 'log')
  await using log = await openLogAt(folder, clock)
  await log.appendSafely(numbered(1))
  const ballast = join(disk.folder, 'ballast')
  await fill(ballast)
  // The page that the log has begun still has room: it is full a few records later.
  let acknowledged = 1
  let refused = 'nothing'
  for (;;) {
    refused = await log.appendSafely(numbered(acknowledged + 1)).then(
      () => 'nothing',
      (cause: { readonly code: string }) => cause.code,
    )
    if (refused !== 'nothing') break
    acknowledged += 1
  }
  log.append(numbered(10_000))
  await rm(ballast)
  while (log.fault !== null) {
    await clock.advance(LOG_RETRY_MS)
    await stat(folder)
  }
  await log.appendSafely(numbered(20_000))
  const records = await recordsAt(folder)
  const gap = records[acknowledged]
  const numbers = records.filter(({ kind }) => kind === 'statement').map(({ at }) => at)
  const expected = [...Array.from({ length: acknowledged }, (_, index) => index + 1), 20_000]
  const isGap = gap?.kind === 'gap' && gap.lost === 1 && gap.reason === 'ENOSPC'
  return refused === 'unwritable' && isGap && numbers.join() === expected.join()
}

async function fill(path: string): Promise<void> {
  await writeFile(path, '')
  for (const bytes of [65_536, 4_096, 256, 1]) {
    for (;;) {
      try {
        await appendFile(path, Buffer.alloc(bytes))
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
        break
      }
    }
  }
}
