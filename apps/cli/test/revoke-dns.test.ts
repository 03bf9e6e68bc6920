import { copyFile, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { decodeNotice } from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import { nodeSha256, openNode } from '@ixj/node'
import { type Home, noticeFiles, openHome, readNoticeFile } from '@ixj/node/home'
import { fromBase64url, toBase64url } from '@ixj/trust'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openProgramBench, type ProgramBench, records } from './program-bench.ts'
import { commandsOf } from './run-here.ts'

const acme = parseName('acme.example')
const [node1, node2] = [parseName('node1.acme.example'), parseName('node2.acme.example')]
const w1 = parseName('w1.acme.example')

let bench: ProgramBench
let office: Home
let ixj: ReturnType<typeof commandsOf>

beforeEach(async () => {
  bench = await openProgramBench()
  await bench.organisation({ [node1]: [], [node2]: [], [w1]: [] })
  const folder = join(bench.folder, '.ixj')
  office = await openHome(folder)
  ixj = commandsOf(folder)
  const words = ['zone', 'init', acme, '--backend', 'file', '--ns', 'ns.provider.example']
  await ixj.done(...words)
  await ixj.done('agent', 'add', w1, '--lease', 'never')
})
afterEach(() => bench[Symbol.asyncDispose]())

/** A home with keys of the office, and what was stated about them. */
async function homeWith(names: readonly Name[]): Promise<Home> {
  const field = await openHome(join(bench.folder, 'field'))
  for (const name of names) {
    await mkdir(dirname(field.keyPath(name)), { recursive: true, mode: 0o700 })
    await copyFile(office.keyPath(name), field.keyPath(name))
    await field.writeStatements(name, await office.readStatements(name))
  }
  await field.writeAnchors(await office.readAnchors())
  return field
}

/** What the home's nodes take and tell. */
async function revokedIn(home: Home) {
  const found = []
  for (const file of await noticeFiles(home)) {
    const { statement } = decodeNotice((await readNoticeFile(home, file))!, nodeSha256).told
    found.push(statement)
  }
  return found
}

test('agent remove signs the revocation of the key that left the DNS, by that key', async () => {
  const key = (await office.readSigner(w1)).publicKey
  await ixj.done('agent', 'remove', w1)
  const target = { kind: 'key', name: w1, key }
  expect(await revokedIn(office)).toMatchObject([{ kind: 'revocation', issuer: w1, target }])
})

test('agent remove has the name above revoke a key that is not in this home', async () => {
  const other = commandsOf(join(bench.folder, 'other'))
  const [made] = records(await other.done('key', 'new', 'w2.acme.example', '--json'))
  const text = String(made?.['publicKey'])
  await ixj.done('agent', 'add', 'w2.acme.example', '--key', text, '--lease', 'never')
  await ixj.done('agent', 'remove', 'w2.acme.example')
  const target = { kind: 'key', name: 'w2.acme.example', key: fromBase64url(text) }
  expect(await revokedIn(office)).toMatchObject([{ kind: 'revocation', issuer: acme, target }])
})

test('a suspended name keeps its key, and nothing is revoked', async () => {
  await ixj.done('agent', 'suspend', w1)
  expect(await revokedIn(office)).toEqual([])
  const key = toBase64url((await office.readSigner(w1)).publicKey)
  expect(records(await ixj.done('key', 'show', w1, '--json'))).toMatchObject([{ publicKey: key }])
})

test('what agent remove revoked reaches nodes of other homes, which part from its bearer', async () => {
  const field = await homeWith([node2, w1])
  const listen = ['/ip4/127.0.0.1/tcp/0']
  await using first = await openNode({ name: node1, home: office, listen })
  const connect = first.addresses
  await using second = await openNode({ name: node2, home: field, listen, connect })
  await using bearer = await openNode({ name: w1, home: field, connect: second.addresses })
  await using decisions = second.decisions({ signal: AbortSignal.timeout(10_000) })
  while (!second.neighbours.includes(node1)) await decisions.take()
  while (!second.neighbours.includes(w1)) await decisions.take()
  await ixj.done('agent', 'remove', w1)
  while (second.neighbours.includes(w1)) await decisions.take()
  expect(second.neighbours).toEqual([node1])
  expect(bearer.name).toBe(w1)
})
