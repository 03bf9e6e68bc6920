import type { AskedApproval } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { expect, test } from 'vitest'
import {
  APPROVAL_SETTLE_MS,
  APPROVALS_BRANCH_MAX,
  APPROVALS_MAX,
  APPROVALS_NAME_MAX,
} from '../src/mesh/limits.ts'
import { WaitingApprovals } from '../src/mesh/waiting-approvals.ts'

const SELF = parseName('sam.acme.example')
const LATER = 10_000

/** What is asked, without the part that answers: nobody answers here. */
function asked(sender: string, expiresAt = Number.MAX_SAFE_INTEGER): AskedApproval {
  return { sender: parseName(sender), expiresAt } as AskedApproval
}

/** How many of so many questions are kept. */
function kept(waiting: WaitingApprovals, senders: readonly string[]): number {
  return senders.filter((sender) => waiting.add(asked(sender), 0) === undefined).length
}

test('add() keeps four questions of one name, and says why no fifth', () => {
  const waiting = new WaitingApprovals(SELF)
  const senders = Array.from({ length: 10 }, () => 'dispatch.acme.example')
  expect(kept(waiting, senders)).toBe(APPROVALS_NAME_MAX)
  expect(waiting.add(asked('dispatch.acme.example'), 0)).toMatch(/dispatch.* limit 4/)
  expect(waiting.turnedAway).toBe(7)
  expect(waiting.add(asked('gate.acme.example'), 0)).toBeUndefined()
})

test('add() takes whoever binds names below itself for one of many', () => {
  const waiting = new WaitingApprovals(SELF)
  const born = Array.from({ length: 40 }, (_, index) => `w${index}.crew.planner.acme.example`)
  expect(kept(waiting, born)).toBe(APPROVALS_BRANCH_MAX)
  // Above sam stands the organisation of both: it is nobody's branch.
  const others = Array.from({ length: 40 }, (_, index) => `a${index}.acme.example`)
  expect(kept(waiting, others)).toBe(APPROVALS_MAX - APPROVALS_BRANCH_MAX)
  expect(waiting.add(asked('globex.example'), 0)).toMatch(/of all.* limit 32/)
})

test('take() gives a question once, so that a second click answers none', () => {
  const waiting = new WaitingApprovals(SELF)
  waiting.add(asked('one.acme.example'), 0)
  waiting.add(asked('two.acme.example'), 0)
  expect(waiting.take(1, LATER)?.sender).toBe('one.acme.example')
  expect(waiting.take(1, LATER)).toBeUndefined()
  // The next one stands now where the first stood: the second click does not go for it either.
  expect(waiting.take(2, LATER + APPROVAL_SETTLE_MS - 1)).toBeUndefined()
  expect(waiting.take(2, LATER + APPROVAL_SETTLE_MS)?.sender).toBe('two.acme.example')
})

test('take() answers no question that has come this moment', () => {
  const waiting = new WaitingApprovals(SELF)
  waiting.add(asked('one.acme.example'), LATER)
  expect(waiting.take(1, LATER + APPROVAL_SETTLE_MS - 1)).toBeUndefined()
  expect(waiting.take(1, LATER + APPROVAL_SETTLE_MS)).toBeDefined()
})

test('at() drops what is over, counts it, and gives its place back', () => {
  const waiting = new WaitingApprovals(SELF)
  for (let index = 0; index < APPROVALS_NAME_MAX; index++)
    waiting.add(asked('one.acme.example', 1_000), 0)
  expect(waiting.at(999)).toHaveLength(APPROVALS_NAME_MAX)
  expect(waiting.at(1_000)).toEqual([])
  expect(waiting.lapsed).toBe(APPROVALS_NAME_MAX)
  expect(waiting.add(asked('one.acme.example'), 1_000)).toBeUndefined()
})
