import { fromHex } from '@ixj/trust'
import { expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { ManualClock } from '../../src/manual-clock.ts'
import { PULL_MS } from '../../src/sync/limits.ts'
import { Pulls } from '../../src/sync/pulls.ts'

const CREW = name('crew.acme.example')
const ID = 'ab'.repeat(32)

it('a neighbour that was asked twice over a slow link may answer twice, and no more', async () => {
  const clock = new ManualClock()
  let asked = 0
  const pulls = new Pulls({
    clock,
    has: () => false,
    ask: () => void (asked += 1),
    done: () => {},
  })
  pulls.listed(CREW, [fromHex(ID)], 'n2')
  await clock.advance(PULL_MS)
  expect(asked).toBe(2)
  for (const outcome of ['accepted', 'settled'] as const) {
    expect(pulls.asked(ID, 'n2')).toBe(CREW)
    pulls.answered(ID, 'n2', outcome)
  }
  expect(pulls.asked(ID, 'n2')).toBeUndefined()
})
