import { expect, it } from 'vitest'
import { name } from '../../../test/world/world.ts'
import { Roster, type HeardMember } from '../src/presence/roster.ts'

const A = name('a.acme.example')
const NODE = { name: name('n1.acme.example'), key: new Uint8Array(32).fill(9) }
const now = 1_000_000

/** What a node tells of the member with this key, which may be there until then. */
function memberOf(key: number, until: number): HeardMember {
  const identity = { name: A, key: new Uint8Array(32).fill(key), node: NODE.name }
  const member = { ...identity, since: now, answers: false, proof: new Uint8Array(32) }
  return { member: member as HeardMember['member'], until, encryptionKey: null, holds: () => true }
}

it('a node is found by its key as long as one of the keys of a member there is', () => {
  const lost: number[] = []
  const roster = new Roster(({ kind, member }) => {
    if (kind === 'lost') lost.push(member.key[0]!)
  })
  const members = [memberOf(1, now + 100), memberOf(2, now + 5_000)]
  for (const time of [now, now + 1]) {
    roster.announce(NODE, { members, unchecked: [] }, { time, now })
    expect(roster.hostOf(A, NODE.key)).toBe(NODE.name)
  }
  roster.sweep(now + 101)
  expect(lost).toEqual([1])
  expect(roster.hostOf(A, NODE.key)).toBe(NODE.name)
  roster.sweep(now + 5_001)
  expect(lost).toEqual([1, 2])
  expect(roster.hostOf(A, NODE.key)).toBeUndefined()
})
