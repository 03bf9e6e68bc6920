import { parsePattern } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { AnchorSet } from '../src/anchor-set.ts'
import { checkAuthority } from '../src/authority.ts'
import { valueOf } from '../src/conditions.ts'
import type { Action, Grant } from '../src/grant.ts'
import type { SignedStatement } from '../src/statement.ts'
import { TrustError } from '../src/trust-error.ts'
import {
  anchorOf,
  bind,
  crew,
  grant,
  grantOf,
  HOUR,
  keyOf,
  MINUTE,
  NOW,
  planner,
  refusal,
  w1,
} from './world.ts'

/** A record, so that a new action is a compile error here. */
const ACTIONS: Readonly<Record<Action, 'exact' | 'patterns'>> = {
  publish: 'patterns',
  request: 'patterns',
  subscribe: 'patterns',
  answer: 'patterns',
  invite: 'patterns',
  host: 'exact',
  speak: 'exact',
  keep: 'patterns',
  revoke: 'patterns',
  log: 'patterns',
}
const actions = Object.keys(ACTIONS) as readonly Action[]
const day = { notBefore: NOW - 24 * HOUR, notAfter: NOW + 24 * HOUR }
const anchors = new AnchorSet([anchorOf()])
const bindings = [await bind({ name: crew, ...day }), await bind({ name: planner, ...day })]
const workers = [parsePattern(`*.${planner}`)]

/** What w1 may do under a part that planner gave it of crew's grant. */
async function authority(above: Partial<Grant>, below: Partial<Grant> = {}) {
  const root = await grant({ mayDelegate: workers, ...day, ...above })
  const leaf = await grant({ ...root.statement, ...partOf(root), ...below })
  return (action: Action, now = NOW) =>
    checkAuthority(
      { leaf: leaf.id, subject: w1, subjectKey: keyOf(w1), action, topic: crew },
      { grants: [root, leaf], bindings, anchors, now },
    )
}

/** The code of what a check throws. */
function outcomeOf(check: () => unknown): string {
  try {
    check()
    return 'holds'
  } catch (cause) {
    if (cause instanceof TrustError) return cause.code
    throw cause
  }
}

const partOf = (root: SignedStatement<Grant>) => ({
  issuer: planner,
  subject: parsePattern(w1),
  mayDelegate: false as const,
  parent: root.id,
})

describe.each(actions)('a chain of grants to %s', (action) => {
  const others = actions.filter((each) => each !== action)

  it('allows that, and nothing else', async () => {
    const may = await authority({ actions: [action] })
    expect(may(action)).toMatchObject({ onBehalfOf: crew, notAfter: day.notAfter })
    for (const other of others) {
      expect(() => may(other), other).toThrow(refusal('not-granted', `allows ${action}`))
    }
  })

  it('does not come from a grant of everything else', async () => {
    const wider = await authority({ actions: others }, { actions: [action] })
    expect(() => wider(action)).toThrow(refusal('wider-than-parent', `actions: "${action}"`))
    const without = await authority({ actions: others })
    expect(() => without(action)).toThrow(refusal('not-granted'))
  })

  it(`takes ${ACTIONS[action]} as topics, alone or beside another action`, () => {
    for (const topic of [`*.${crew}`, `**.${crew}`]) {
      const topics = [parsePattern(topic), parsePattern(crew)]
      for (const both of [[action], ['publish', action].toSorted()] as Action[][]) {
        const made = () => grantOf({ topics, actions: [...new Set(both)] })
        expect(outcomeOf(made)).toBe(ACTIONS[action] === 'exact' ? 'form' : 'holds')
      }
    }
  })

  it('keeps its hours, past midnight too, to the millisecond', async () => {
    const night: Partial<Grant> = { actions: [action], conditions: [['hours', [1_320, 360]]] }
    const may = await authority(night, { conditions: [['hours', [1_380, 60]]] })
    const midnight = NOW - 12 * HOUR
    for (const [minute, ms, holds] of [
      [1_380, -1, false],
      [1_380, 0, true],
      [1_440, -1, true],
      [0, 0, true],
      [60, -1, true],
      [60, 0, false],
      // Within the parent's hours, but not within the child's.
      [1_320, 0, false],
      [300, 0, false],
    ] as const) {
      const asking = () => may(action, midnight + minute * MINUTE + ms)
      const expected = holds ? 'holds' : 'condition'
      expect(outcomeOf(asking), `minute ${minute} and ${ms} ms`).toBe(expected)
    }
  })

  it('refuses a child that drops or widens any condition', async () => {
    const conditions: Grant['conditions'] = [
      ['approvals', [2, [crew, planner, w1]]],
      ['bytesPerMessage', 100],
      ['hours', [1_320, 360]],
      ['maxPriority', 2],
      ['messagesPerSecond', 5],
    ]
    const wider: Grant['conditions'] = [
      ['approvals', [1, [crew, planner, w1]]],
      ['bytesPerMessage', 101],
      ['hours', [1_320, 361]],
      ['maxPriority', 3],
      ['messagesPerSecond', 6],
    ]
    for (const [name] of conditions) {
      const rest = conditions.filter((condition) => condition[0] !== name)
      const dropped = await authority({ actions: [action], conditions }, { conditions: rest })
      expect(() => dropped(action), name).toThrow(refusal('wider-than-parent', name))
      const more = conditions.map((condition) =>
        condition[0] === name ? ([name, valueOf(wider, name)!] as const) : condition,
      )
      const widened = await authority({ actions: [action], conditions }, { conditions: more })
      expect(() => widened(action), name).toThrow(refusal('wider-than-parent', name))
    }
  })
})
