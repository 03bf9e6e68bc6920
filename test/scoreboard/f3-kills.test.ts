import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openLogAt, recordsAt } from '../world/numbered-log.ts'
import { seededRandom } from '../world/random.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const WRITER = fileURLToPath(new URL('../world/log-writer.ts', import.meta.url))

/** Logs that are written and killed side by side; one after the other, starting processes takes long. */
const LOGS = 4

/** Starts a process that writes the log in a folder and prints the numbers that were acknowledged. */
function startWriter(folder: string, from: number): ChildProcess {
  const words = ['--conditions=ixj:src', WRITER, folder, String(from)]
  // Compiled once for all the processes.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'ixj-compiled') }
  return spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Lets it write for so many acknowledgements, then kills it; gives the last number it told. */
async function killAfter(writer: ChildProcess, acknowledgements: number): Promise<number> {
  const ended = once(writer, 'close')
  let last = 0
  let told = 0
  for await (const line of createInterface({ input: writer.stdout! })) {
    last = Number(line)
    told += 1
    if (told === acknowledgements) writer.kill('SIGKILL')
  }
  await ended
  return last
}

/** Writes one log and kills its writer again and again; gives how much was acknowledged, and lost. */
async function killOften(
  kills: number,
  random: () => number,
): Promise<{ readonly acknowledged: number; readonly lost: number }> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-kills-'))
  let acknowledged = 0
  let lost = 0
  for (let kill = 0; kill < kills; kill++) {
    const from = acknowledged + 1_000 * kill
    const last = await killAfter(startWriter(folder.path, from), 1 + Math.floor(random() * 40))
    const there = new Set((await recordsAt(folder.path)).map(({ at }) => at))
    for (let number = from; number <= last; number++) {
      acknowledged += 1
      if (!there.has(number)) lost += 1
    }
  }
  // It goes on, and holds to its last checkpoint, after all of them.
  await using log = await openLogAt(folder.path)
  expect(log.size).toBeGreaterThanOrEqual(acknowledged)
  return { acknowledged, lost }
}

describe('F3: kill -9', () => {
  it(
    'loses no record that was acknowledged',
    async () => {
      const each = Math.ceil(scaled(1_000) / LOGS)
      const found = await Promise.all(
        Array.from({ length: LOGS }, (_, log) => killOften(each, seededRandom(SEED + log))),
      )
      const kills = (each * LOGS).toLocaleString('en-US')
      expect(
        report({
          id: 'F3',
          what: `records acknowledged by processes before their ${kills} kills`,
          count: found.reduce((sum, { lost }) => sum + lost, 0),
          of: found.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
          counted: 'lost',
          goal: 'none',
        }),
      ).toBe('met')
    },
    // A thousand processes start one after the other in each log.
    2 * ROW_MS_MAX,
  )
})
