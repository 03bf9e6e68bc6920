import { type AuditRecord, decodeRecord, encodeRecord } from '@ixj/audit'
import { encode } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { name } from '../../../test/world/world.ts'
import { codeOf } from './code-of.ts'
import { recordOf } from './made-log.ts'

const id = new Uint8Array(32).fill(9)

/** Agents that a group's bundles are for, in one list. */
const CREW = Array.from({ length: 20 }, (_, index) => ({
  name: name(`a${index}.acme.example`),
  code: null,
}))

const RECORDS: readonly AuditRecord[] = [
  recordOf(1),
  recordOf(2, {
    via: null,
    action: null,
    class: null,
    topic: null,
    sender: null,
    signed: false,
    organisation: null,
    onBehalfOf: null,
    delegators: [],
    id: null,
    grants: [],
    proof: null,
    messages: 0,
    code: 'encoding',
    rule: null,
    agents: [],
    agentsCount: 0,
  }),
  {
    kind: 'statement',
    at: 5,
    act: 'issued',
    statement: 'grant',
    id,
    issuer: name('acme.example'),
    onBehalfOf: name('acme.example'),
    subject: '*.planner.acme.example',
    parent: id,
    notAfter: 99,
  },
  {
    kind: 'approval',
    at: 6,
    id,
    approver: name('ann.acme.example'),
    topic: name('crew.acme.example'),
    sender: name('bob.acme.example'),
    authority: id,
  },
  {
    kind: 'repeats',
    at: 7,
    since: 6,
    via: name('n2.acme.example'),
    code: 'replay',
    sender: null,
    topic: null,
    count: 12,
  },
  { kind: 'gap', at: 9, since: 8, lost: 3, reason: 'ENOSPC' },
]

describe('decodeRecord()', () => {
  it.each(RECORDS.map((record) => [record.kind, record] as const))(
    'reads a record of kind %s as it was written',
    (_, record) => {
      expect(decodeRecord(encodeRecord(record))).toEqual(record)
    },
  )

  it('reads each of several records that name one list of agents', () => {
    for (const agentsCount of [20, 70_000]) {
      const record = recordOf(agentsCount, { agents: CREW, agentsCount })
      expect(decodeRecord(encodeRecord(record))).toEqual(record)
    }
  })

  it('refuses a later version, an unknown kind, a missing field, and what is no array', () => {
    expect([
      codeOf(() => decodeRecord(encode([2, 'gap', 9, 8, 3, 'x']))),
      codeOf(() => decodeRecord(encode([1, 'toString', 9]))),
      codeOf(() => decodeRecord(encode([1, 'gap', 9, 8, 3]))),
      codeOf(() => decodeRecord(encode([1, 'gap', 9, 8, -3, 'x']))),
      codeOf(() => decodeRecord(encode('gap'))),
      codeOf(() => decodeRecord(new Uint8Array(32 * 1024 + 1))),
    ]).toEqual(['unsupported', 'unsupported', 'form', 'form', 'form', 'too-large'])
  })
})
