import type { Register } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { expect, test } from 'vitest'
import { readFloor } from '../src/mesh/fleet-floor.ts'

const GROUPS = [parseName('floor.acme.example')]

function register(
  name: string,
  value: Register['value'],
  sender = 'r1.robots.acme.example',
): Register {
  return {
    sender: parseName(sender),
    senderKey: new Uint8Array(32),
    onBehalfOf: parseName('acme.example'),
    register: name,
    value,
    asOf: 0,
    age: [10, 40],
    isStale: false,
    freshness: 'fresh',
    grounds: () => {
      throw new Error('nobody asks here')
    },
  }
}

test('readFloor() reads a floor and the robots on it', () => {
  const floor = register(
    'floor',
    [24, 14, [[4, 2, 5, 1]], [18, 6, 1, 2], true],
    'dispatch.acme.example',
  )
  const pose = register('pose', [1.5, 2.5, 90, 'drives', [8.5, 3.5], null])
  expect(readFloor([floor, pose], GROUPS)).toMatchObject({
    floor: { width: 24, isGateOpen: true, racks: [{ x: 4, width: 5 }], gate: { height: 2 } },
    robots: [{ x: 1.5, heading: 90, doing: 'drives', goal: { x: 8.5 }, age: 40 }],
    unread: 0,
  })
})

test('readFloor() takes the plan from the dispatcher of its group alone, whoever else sets one', () => {
  const own = register('floor', [24, 14, [], null, false], 'dispatch.acme.example')
  const forged = ['r1.robots.acme.example', 'dispatch.robots.acme.example', 'zed.acme.example'].map(
    (sender) => register('floor', [5, 5, [], null, true], sender),
  )
  expect(readFloor(forged, GROUPS)).toMatchObject({ floor: null, unread: 3 })
  const read = readFloor([own, ...forged], GROUPS)
  expect(read).toMatchObject({ floor: { width: 24, isGateOpen: false }, unread: 3 })
})

test('readFloor() draws nothing of what has no sense, and counts it', () => {
  const poses = [
    null,
    [],
    ['x', 1, 0, 'idle'],
    [1, 1e9, 0, 'idle'],
    [1, 1, Number.NaN, 'idle'],
    [1, 1, 0, 7],
  ]
  const read = readFloor(
    [
      ...poses.map((value) => register('pose', value)),
      register('floor', [0, 14, []], 'dispatch.acme.example'),
    ],
    GROUPS,
  )
  expect(read).toEqual({ floor: null, robots: [], refusals: [], unread: poses.length + 1 })
})

test('readFloor() reads who refuses whom, and nothing of what has no sense', () => {
  const told = (value: Register['value']) => register('refused', value, 'r2.robots.acme.example')
  const read = readFloor(
    [
      told([['r6.robots.acme.example', 'revoked', 14]]),
      told([['not a name', 'revoked', 1]]),
      told([['r6.robots.acme.example', 'revoked', -1]]),
      told('r6'),
    ],
    GROUPS,
  )
  expect(read).toMatchObject({
    refusals: [
      { by: 'r2.robots.acme.example', name: 'r6.robots.acme.example', code: 'revoked', count: 14 },
    ],
    unread: 3,
  })
})
