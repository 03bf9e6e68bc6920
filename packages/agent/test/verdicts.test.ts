import type { Code } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { VERDICTS } from '../src/pipeline/verdicts.ts'
import { approvalCases, approvalRows } from './verdict-rows/approvals.ts'
import { authorityRows } from './verdict-rows/authority.ts'
import { byteRows } from './verdict-rows/bytes.ts'
import { nameRows } from './verdict-rows/names.ts'
import { placeRows } from './verdict-rows/place-and-time.ts'
import { receiverRows } from './verdict-rows/receiver.ts'
import { revokedRows } from './verdict-rows/revoked.ts'
import type { Case } from './verdict-rows/row.ts'

/** Codes that no bundle comes to, each with the reason. */
const unreachable = {
  'not-below': 'a binding not below its issuer is refused when it is read, so no proof holds one',
  'ambiguous-authority': 'a header names one grant or none; this is said to senders alone',
  'store-full': 'said of a neighbour’s statements, which wait for no bundle',
  hello: 'said of connections, before any bundle',
  transport: 'said of connections that failed',
  'key-file': 'said of files at home',
} as const

const rows = {
  ...byteRows,
  ...placeRows,
  ...nameRows,
  ...authorityRows,
  ...receiverRows,
  ...revokedRows,
  ...approvalRows,
} satisfies Record<Exclude<Code, keyof typeof unreachable>, readonly Case[]>

describe('the table of verdicts', () => {
  for (const [code, cases] of Object.entries(rows)) {
    describe(`${code}: ${VERDICTS[code as Code]}`, () => {
      it.each(cases)('$does', async (each: Case) => {
        expect.hasAssertions()
        await each.run()
      })
    })
  }

  describe.each(Object.entries(approvalCases))('%s, by approvals', (_, cases) => {
    it.each(cases)('$does', async (each: Case) => {
      expect.hasAssertions()
      await each.run()
    })
  })

  it('has at least one case for every code, or the reason why no bundle comes to it', () => {
    const told = [...Object.keys(rows), ...Object.keys(unreachable)].toSorted()
    expect(told).toEqual(Object.keys(VERDICTS).toSorted())
    expect(Object.values(rows).every((cases) => cases.length > 0)).toBe(true)
  })
})
