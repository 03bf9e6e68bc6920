import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseName } from '@ixj/names'
import { openHome } from '@ixj/node/home'
import { toBase64url } from '@ixj/trust'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openProgramBench, type ProgramBench, records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

const acme = parseName('acme.example')

let bench: ProgramBench
/** Has the key of acme.example. */
let office: ReturnType<typeof commandsOf>
/** Trusts it. */
let other: ReturnType<typeof commandsOf>

beforeEach(async () => {
  bench = await openProgramBench()
  await bench.organisation()
  office = commandsOf(join(bench.folder, '.ixj'))
  other = commandsOf(join(bench.folder, 'other'))
})
afterEach(() => bench[Symbol.asyncDispose]())

async function ownKey(): Promise<string> {
  const home = await openHome(join(bench.folder, '.ixj'))
  return toBase64url((await home.readSigner(acme)).publicKey)
}

/** The anchor of acme.example in a home. */
async function anchorIn(home: ReturnType<typeof commandsOf>) {
  return records(await home.done('trust', 'anchor', 'list', '--json'))[0] ?? {}
}

test('key next makes a key that the home’s own anchor commits to, and the same one again', async () => {
  const [made] = records(await office.done('key', 'next', acme, '--json'))
  expect(made).toMatchObject({ name: acme, isAnchored: true })
  expect(await anchorIn(office)).toMatchObject({ next: made?.['digest'] })
  expect(records(await office.done('key', 'next', acme, '--json'))).toEqual([made])
  expect(await office.done('key', 'next', acme)).toContain('  anchor  commits to it\n')
})

test('key successor puts the next key in place, and a home that committed to it follows', async () => {
  const before = await ownKey()
  const [next] = records(await office.done('key', 'next', acme, '--json'))
  await other.done('trust', 'anchor', 'add', acme, before, '--next', String(next?.['digest']))
  const file = join(bench.folder, 'acme.successor')
  const words = ['key', 'successor', acme, '--overlap', '1h', '--out', file, '--json']
  const [made] = records(await office.done(...words))
  const publicKey = next?.['publicKey']
  expect(made).toMatchObject({ publicKey, replaces: before, isAnchored: true, file })
  expect(await ownKey()).toBe(publicKey)
  expect(await readFile(String(made?.['oldPath']), 'utf8')).toContain(before)
  const moved = { keys: [publicKey, before], next: made?.['next'] }
  expect(await anchorIn(office)).toMatchObject(moved)
  expect(records(await other.done('trust', 'accept', file, '--json'))).toMatchObject([
    { name: acme, publicKey, replaces: before, acceptance: 'moved' },
  ])
  expect(await anchorIn(other)).toMatchObject(moved)
  expect(await other.done('trust', 'accept', file)).toMatch(/^trusted already: acme\.example with /)
  // The key after it waits, and is the one that was committed to.
  const [after] = records(await office.done('key', 'next', acme, '--json'))
  expect(after?.['digest']).toBe(made?.['next'])
  await office.done('key', 'successor', acme)
  expect(await ownKey()).toBe(after?.['publicKey'])
})

test('a successor changes nothing in a home that committed to another key, or to none', async () => {
  const before = await ownKey()
  await office.done('key', 'next', acme)
  const file = join(bench.folder, 'acme.successor')
  await office.done('key', 'successor', acme, '--out', file)
  await other.done('trust', 'anchor', 'add', acme, before)
  expect(await other.refused('trust', 'accept', file)).toMatchObject({
    exit: 1,
    code: 'not-granted',
  })
  await other.done('trust', 'anchor', 'remove', acme)
  await other.done('trust', 'anchor', 'add', acme, before, '--next', '5a'.repeat(32))
  expect(await other.refused('trust', 'accept', file)).toMatchObject({
    exit: 1,
    code: 'not-granted',
  })
  expect(await anchorIn(other)).toMatchObject({ keys: [before], next: '5a'.repeat(32) })
})

test('key successor is refused without a next key, and nothing is moved', async () => {
  const before = await ownKey()
  expect(await office.refused('key', 'successor', acme)).toMatchObject({ exit: 1, code: 'absent' })
  expect(await ownKey()).toBe(before)
})

test('trust cross --next commits to a key, and trust accept takes its successor', async () => {
  const [root] = records(await other.done('key', 'new', 'globex.example', '--json'))
  const [next] = records(await other.done('key', 'next', 'globex.example', '--json'))
  const words = [
    'trust',
    'cross',
    'globex.example',
    '--by',
    acme,
    '--key',
    String(root?.['publicKey']),
  ]
  const digest = String(next?.['digest'])
  const [crossed] = records(await office.done(...words, '--next', digest, '--json'))
  expect(crossed).toMatchObject({ subject: 'globex.example', next: digest })
  const file = join(bench.folder, 'globex.successor')
  await other.done('key', 'successor', 'globex.example', '--out', file)
  const [accepted] = records(await office.done('trust', 'accept', file, '--json'))
  expect(accepted).toMatchObject({ publicKey: next?.['publicKey'], acceptance: 'certified' })
  await office.done(...words)
  expect(await office.refused('trust', 'accept', file)).toMatchObject({
    exit: 1,
    code: 'not-granted',
  })
})
