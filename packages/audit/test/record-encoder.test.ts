import { type BundleRecord, decodeRecord, encodeRecord, RecordEncoder } from '@ixj/audit'
import { describe, expect, it } from 'vitest'
import { name } from '../../../test/world/world.ts'
import { codeOf } from './code-of.ts'
import { recordOf } from './made-log.ts'

/** Agents that a group's bundles are for, in one list. */
const CREW = Array.from({ length: 20 }, (_, index) => ({
  name: name(`a${index}.acme.example`),
  code: null,
}))
const GROUP = { agents: CREW, agentsCount: CREW.length }

describe('RecordEncoder', () => {
  it('encodes records of several senders, one after the other, as each alone is encoded', () => {
    const encoder = new RecordEncoder()
    const { grants, proof } = recordOf(1)
    const like = { ...GROUP, grants, proof }
    for (const number of [1, 2, 3, 4]) {
      const sender = name(`w${number % 2}.planner.acme.example`)
      const record = recordOf(number, { ...like, sender })
      expect(encoder.encode(record)).toEqual(encodeRecord(record))
      expect(decodeRecord(encoder.encode(record))).toEqual(record)
    }
  })

  const changes: readonly Partial<BundleRecord>[] = [
    { at: 2 ** 40 },
    { via: null },
    { action: 'request' },
    { class: 'state' },
    { topic: name('other.acme.example') },
    { sender: null },
    { signed: false },
    { organisation: name('other.example') },
    { onBehalfOf: name('planner.acme.example') },
    { delegators: [name('acme.example')] },
    { id: null },
    { grants: [new Uint8Array(32), new Uint8Array(32)] },
    { proof: new Uint8Array(32) },
    { approvers: [name('ann.acme.example')] },
    { messages: 300 },
    { code: 'policy' },
    { rule: null },
    { agents: CREW.slice(1) },
    { agentsCount: 70_000 },
  ]

  it.each(changes.map((change) => [Object.keys(change).join(), change] as const))(
    'tells a record from one before it that differs in %s alone',
    (_, change) => {
      const encoder = new RecordEncoder()
      const before = recordOf(1, GROUP)
      const after = { ...before, ...change }
      for (const record of [before, after, before]) {
        expect(encoder.encode(record)).toEqual(encodeRecord(record))
      }
    },
  )

  it('goes on as before when more senders have spoken than it keeps', () => {
    const encoder = new RecordEncoder()
    for (let number = 0; number < 600; number++) {
      const sender = name(`w${number % 300}.planner.acme.example`)
      const record = recordOf(number, { ...GROUP, sender })
      expect(encoder.encode(record)).toEqual(encodeRecord(record))
    }
  })

  it('refuses what has no room in a record', () => {
    const rule = 'x'.repeat(32 * 1024)
    const encoder = new RecordEncoder()
    expect(codeOf(() => encoder.encode(recordOf(1, { ...GROUP, rule })))).toBe('too-large')
    expect(codeOf(() => encoder.encode(recordOf(1, { rule })))).toBe('too-large')
  })
})
