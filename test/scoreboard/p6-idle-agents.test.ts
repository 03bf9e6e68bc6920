import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AgentMemory } from './idle-agents.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, scaled } from './scale.ts'

const KIB = 1_024
const MIB = 1_024 * KIB
const PROGRAM = fileURLToPath(new URL('./idle-agents.ts', import.meta.url))
/** Below that, what the engine makes of the code outweighs them. */
const IDLE = Math.max(4_000, scaled(100_000))
const PASSING = Math.max(500, scaled(10_000))

let found: AgentMemory

beforeAll(async () => {
  const options = ['--expose-gc', '--conditions=ixj:src', PROGRAM, `${IDLE}`, `${PASSING}`]
  const { stdout } = await promisify(execFile)(process.execPath, options)
  found = JSON.parse(stdout) as AgentMemory
}, ROW_MS_MAX)

describe('P6: idle agents', () => {
  it('take little memory each', () => {
    const figure = found.idleBytes / KIB
    expect(
      report({
        id: 'P6',
        what: `memory of one of ${IDLE.toLocaleString('en-US')} idle agents on a node`,
        figure,
        unit: 'KiB',
        goal: { most: 4 },
      }),
    ).toBe('met')
  })

  it.runIf(isFull)('are 100,000 on one node', () => {
    expect(
      report({
        id: 'P6',
        what: '100,000 agents on one node, with a second node in the same process',
        figure: found.residentBytes / MIB,
        unit: 'MiB resident',
        goal: { most: 1_024 },
      }),
    ).toBe('met')
  })
})

describe('L6: agents that are born, bound, publish once and expire', () => {
  const what = `heap after ${PASSING.toLocaleString('en-US')} agents lived, beside before`

  it.runIf(isFull)('leave the heap as it was', () => {
    const figure = (100 * (found.after - found.before)) / found.before
    expect(report({ id: 'L6', what, figure, unit: '% more', goal: { most: 5 } })).toBe('met')
  })

  it('leave nothing in the replay table', () => {
    expect(found.rememberedMost).toBeGreaterThan(0)
    expect(
      report({
        id: 'L6',
        what: 'bundles of theirs in the replay table',
        count: found.rememberedAfter,
        of: found.rememberedMost,
        counted: 'remembered after they had ended',
        goal: 'none',
      }),
    ).toBe('met')
  })
})
