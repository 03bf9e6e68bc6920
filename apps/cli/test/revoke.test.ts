import { afterAll, beforeAll, expect, test } from 'vitest'
import { openProgramBench, type ProgramBench, records } from './program-bench.ts'

let bench: ProgramBench

beforeAll(async () => {
  bench = await openProgramBench()
  await bench.organisation({
    'planner.acme.example': ['publish crew.acme.example'],
    'w1.acme.example': ['publish crew.acme.example'],
    'w2.acme.example': ['publish crew.acme.example'],
    'w3.acme.example': ['publish crew.acme.example'],
  })
})
afterAll(() => bench[Symbol.asyncDispose]())

test('revoke makes the key of a name void, and says what else is', async () => {
  const text = await bench.done('revoke', 'w1.acme.example')
  expect(text).toMatch(/^revoked by acme\.example: the key [\w-]{43} of w1\.acme\.example\n/)
  expect(text).toMatch(/ {2}void: binding by acme\.example: w1\.acme\.example has/)
  expect(text).toMatch(/ {2}void: whatever else that key signed, or will sign/)
})

test('explain, grants and whocan refuse what was revoked in this home', async () => {
  await bench.done('revoke', 'w3.acme.example')
  const explained = await bench.run(['explain', 'w3.acme.example', '--json'])
  expect(explained.code).toBe(1)
  expect(records(explained.stdout)).toMatchObject([{ outcome: 'ignored', code: 'revoked' }])
  const held = records(await bench.done('grants', 'w3.acme.example', '--json'))
  expect(held).toMatchObject([{ holds: false, code: 'revoked' }])
  const able = records(await bench.done('whocan', 'publish', 'crew.acme.example', '--json'))
  expect(able.find(({ name }) => name === 'w3.acme.example')).toMatchObject({ can: false })
  expect(able.find(({ name }) => name === 'planner.acme.example')).toMatchObject({ can: true })
})

test('revoke takes a public key, or the id of a statement', async () => {
  const [key] = records(await bench.done('key', 'show', 'w2.acme.example', '--json'))
  const [byKey] = records(await bench.done('revoke', String(key?.['publicKey']), '--json'))
  expect(byKey).toMatchObject({ by: 'acme.example', of: 'acme.example', name: 'w2.acme.example' })
  const [id] = (byKey?.['voided'] ?? []) as readonly string[]
  const [byId] = records(await bench.done('revoke', String(id), '--json'))
  expect(byId).toMatchObject({ revokedId: id, voided: [id] })
})

test('revoke refuses who may not, a name that is not known, and an anchor without its key', async () => {
  const sibling = await bench.run([
    'revoke',
    'w2.acme.example',
    '--by',
    'w1.acme.example',
    '--json',
  ])
  expect(sibling.code).toBe(1)
  const unknown = await bench.run(['revoke', 'nobody.acme.example', '--json'])
  expect(unknown).toMatchObject({ code: 2, stdout: '' })
  expect(unknown.stderr).toContain('absent')
  const anchor = await bench.run(['revoke', 'acme.example', '--json'])
  expect(anchor.code).toBe(1)
  expect(anchor.stderr).toContain('exists')
})

test('trust anchor add keeps what an anchor asks of statuses, and its next key', async () => {
  const next = '5a'.repeat(32)
  const [key] = records(await bench.done('key', 'new', 'globex.example', '--json'))
  const words = ['trust', 'anchor', 'add', 'globex.example', String(key?.['publicKey']), '--json']
  const [added] = records(await bench.done(...words, '--freshness', 'required', '--next', next))
  expect(added).toMatchObject({ freshness: 'required', next, retiring: [] })
  const shown = await bench.done('trust', 'anchor', 'list')
  expect(shown.match(/statuses +a fresh one is required/g)).toHaveLength(1)
  // Said again without them, both stay as they were decided.
  const [again] = records(await bench.done(...words))
  expect(again).toMatchObject({ name: 'globex.example', freshness: 'required', next })
  const list = records(await bench.done('trust', 'anchor', 'list', '--json'))
  expect(list.find((each) => each['name'] === 'globex.example')).toMatchObject({ next })
})
