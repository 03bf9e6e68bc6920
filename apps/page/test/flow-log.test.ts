import type { Decision } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { FlowLog, ratesOf } from '../src/mesh/flow-log.ts'
import { FLOWS_KEPT_MAX } from '../src/mesh/limits.ts'
import { RateMeter } from '../src/mesh/rate-meter.ts'

const OPEN = {
  groups: new Set(['crew.acme.example']),
  gathered: new Set<string>(),
  isAsking: false,
}

function decision(facts: {
  readonly code?: Decision['code']
  readonly action?: string
  readonly topic?: string
  readonly at?: number
}): Decision {
  const { code = null, action = 'publish', topic = 'crew.acme.example', at = 10_000 } = facts
  return {
    at,
    about: 'bundle',
    verdict: code === null ? 'accept' : 'ignore',
    code,
    id: null,
    messageIds: () => [],
    grounds: () => ({ of: 'other', action, topic, sender: 'ann.acme.example' }),
  }
}

describe('FlowLog', () => {
  it('tells the four patterns apart by topic and action', () => {
    const log = new FlowLog()
    log.add(decision({}), OPEN)
    log.add(decision({ action: 'request' }), OPEN)
    log.add(decision({ topic: 'sam.acme.example' }), OPEN)
    log.add(decision({ topic: 'sam.acme.example', action: 'answer' }), { ...OPEN, isAsking: true })
    expect(log.flows.map(({ pattern }) => pattern)).toEqual(['N×1', '1×1', '1×N', 'N×N'])
    expect(ratesOf(log, 11_000).map(({ perSecond }) => perSecond)).toEqual([0.2, 0.2, 0.2, 0.2])
  })

  it('counts copies, and does not show them as refusals', () => {
    const log = new FlowLog()
    log.add(decision({ code: 'duplicate' }), OPEN)
    log.add(decision({ code: 'revoked' }), OPEN)
    expect(log.copies).toBe(1)
    expect(log.refusals).toEqual([['revoked', 1]])
  })

  it('keeps a refusal while a flood of what was accepted passes, and is bounded', () => {
    const log = new FlowLog()
    log.add(decision({ code: 'revoked' }), OPEN)
    for (let count = 0; count < FLOWS_KEPT_MAX * 10; count++) log.add(decision({}), OPEN)
    expect(log.flows.filter(({ code }) => code === 'revoked')).toHaveLength(1)
    expect(log.flows.length).toBeLessThanOrEqual(FLOWS_KEPT_MAX * 2)
  })
})

describe('RateMeter', () => {
  it('forgets what is older than its seconds, and gives zero for silent ones', () => {
    const meter = new RateMeter(10)
    for (const at of [1_000, 1_500, 4_200]) meter.add(at)
    expect(meter.series(5_000)).toEqual([0, 0, 0, 0, 0, 2, 0, 0, 1])
    expect(meter.series(60_000)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
  })
})
