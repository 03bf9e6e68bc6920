import { ManualClock } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { expect, test } from 'vitest'
import { THEFT_MS, type Theft, TheftReport } from '../../src/demo/fleet/theft-report.ts'

const name = parseName('r6.robots.acme.example')
const T0 = 1_000_000

test('take() joins what the thief tried with what each process made of it, by ids', async () => {
  const clock = new ManualClock({ now: T0 })
  const revoked: string[] = []
  const thefts: Theft[] = []
  const report = new TheftReport({
    clock,
    roles: ['dispatch', 'garage1'],
    revoked: (robot) => revoked.push(robot),
    hear: (theft) => thefts.push(theft),
  })
  // What the robot itself still says is refused first, and tells that it was revoked.
  report.take('garage1', { event: 'refused', name, id: 'its own' })
  report.take('dispatch', { event: 'refused', name, id: 'its own' })
  expect(revoked).toEqual([name])
  report.take('thief', { event: 'tried', name, id: 'a' })
  report.take('thief', { event: 'tried', name, id: 'b' })
  await clock.advance(30)
  report.take('dispatch', { event: 'refused', name, id: 'a' })
  report.take('dispatch', { event: 'refused', name, id: 'b' })
  report.take('garage1', { event: 'let-in', name, id: 'b' })
  await clock.advance(THEFT_MS)
  expect(thefts).toEqual([
    {
      event: 'theft',
      name,
      tried: 2,
      letIn: 1,
      refusedBy: [
        { role: 'dispatch', count: 2, firstMs: 30 },
        { role: 'garage1', count: 0, firstMs: null },
      ],
    },
  ])
})
