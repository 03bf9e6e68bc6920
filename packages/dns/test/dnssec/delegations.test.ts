import { describe, expect, test } from 'vitest'
import { newTestKey, SignedZone, type SignedZoneOptions } from '../signed-zone.ts'
import { contextOf, dsLine, lookUp, name } from '../zone-world.ts'

describe('validate() and delegations', () => {
  const child = new SignedZone('team.example', ['_ixjkey 300 IN TXT "key"'])

  const parent = (more: readonly string[], options: SignedZoneOptions = {}) =>
    new SignedZone(
      'example',
      ['team 300 IN NS ns.team', 'zeta 300 IN A 127.0.0.1', ...more],
      options,
    )

  test.each([
    ['nsec', {}],
    ['nsec3', {}],
    ['nsec3', { optOut: true }],
    ['nsec3', { iterations: 3, salt: Uint8Array.of(1, 2, 3) }],
    ['compact', {}],
  ] as const)('calls a child without DS insecure: %s %o', async (denial, more) => {
    const top = parent([], { denial, ...more })
    for (const question of ['TXT _ixjkey.team.example', 'TXT ghost.team.example']) {
      const { validation } = await lookUp([top, child], question)
      expect(validation, JSON.stringify(validation)).toMatchObject({
        state: 'insecure',
        below: 'example',
      })
    }
  })

  test.each([
    [5, 2],
    [13, 1],
  ])('calls a child with DS of algorithm %i, digest %i insecure', async (algorithm, digest) => {
    const ds = `team 300 IN DS 1 ${algorithm} ${digest} ${'00'.repeat(20)}`
    const { validation } = await lookUp([parent([ds]), child], 'TXT _ixjkey.team.example')
    expect(validation).toMatchObject({ state: 'insecure', below: 'example' })
  })

  test('never calls a zone insecure because its own anchor has an algorithm of no use', async () => {
    const records = [newTestKey(name('example'), { claimed: 5 }).dnskey]
    const context = contextOf([{ zone: name('example'), records }])
    const { validation } = await lookUp([parent([]), child], 'A zeta.example', { context })
    expect(validation).toMatchObject({ state: 'bogus', reason: 'no-key' })
  })

  test('does not anchor a zone to the key of another', async () => {
    const zone = parent([])
    const records = zone.anchor.records.map((one) => ({ ...one, name: name('other') }))
    const context = contextOf([{ zone: name('example'), records }])
    const { validation } = await lookUp([zone], 'A zeta.example', { context })
    expect(validation).toMatchObject({ state: 'bogus', reason: 'no-key' })
  })

  test('asks the zone above for a DS, and answers that there is none', async () => {
    const { validation } = await lookUp([parent([]), child], 'DS team.example')
    expect(validation).toMatchObject({ state: 'secure', answer: 'nodata', zone: 'example' })
    const signed = parent([dsLine(child)])
    const found = await lookUp([signed, child], 'DS team.example')
    expect(found.validation).toMatchObject({ state: 'secure', zone: 'example' })
  })

  test('takes the longest anchor as the only one', async () => {
    const top = parent([dsLine(child)])
    const stranger = new SignedZone('team.example', [])
    const question = 'TXT _ixjkey.team.example'
    const both = contextOf([top.anchor, child.anchor])
    expect((await lookUp([top, child], question, { context: both })).validation).toMatchObject({
      state: 'secure',
      anchor: 'team.example',
    })
    // The zone above vouches for the child's key, but somebody anchored another one.
    const wrong = contextOf([top.anchor, stranger.anchor])
    expect((await lookUp([top, child], question, { context: wrong })).validation).toMatchObject({
      state: 'bogus',
      reason: 'no-key',
    })
  })

  test('finds an unsigned child below names that are no zones', async () => {
    const deep = new SignedZone('a.b.c.example', ['_ixjkey 300 IN TXT "key"'])
    for (const denial of ['nsec', 'nsec3', 'compact'] as const) {
      const top = new SignedZone('example', ['a.b.c 300 IN NS ns.a.b.c'], { denial })
      const { validation } = await lookUp([top, deep], 'TXT _ixjkey.a.b.c.example')
      expect(validation).toMatchObject({ state: 'insecure', below: 'example' })
    }
  })
})
