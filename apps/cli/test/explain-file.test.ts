import { encodeMessages, type Header, sealBundle } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { type Home, nodeRandom, nodeSha256, openHome } from '@ixj/node/home'
import { encodeApplication, isGrant, NO_REVOCATIONS, toBase64url } from '@ixj/trust'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { explainFile } from '../src/explain-file.ts'
import type { HomeContext } from '../src/explain-here.ts'
import { openProgramBench, type ProgramBench } from './program-bench.ts'

const w1 = parseName('w1.acme.example')
let bench: ProgramBench
let home: Home
let context: HomeContext

beforeAll(async () => {
  bench = await openProgramBench()
  await bench.organisation({ [w1]: ['publish crew.acme.example'] })
  home = await openHome(join(bench.folder, '.ixj'))
  const anchors = await home.readAnchors()
  context = { home, anchors, revocations: NO_REVOCATIONS, now: Date.now() }
})

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

/** A bundle of w1, as on the wire. */
async function sealed(changes: Partial<Header> = {}): Promise<Uint8Array> {
  const { signer, statements } = await home.readIdentity(w1)
  const body = encodeApplication('hello')
  const messages = encodeMessages([
    { id: nodeRandom(16), correlation: null, contentType: null, body },
  ])
  const header = {
    topic: parseName('crew.acme.example'),
    sender: w1,
    epoch: context.now,
    class: 'event',
    action: 'publish',
    first: 1,
    count: 1,
    sentAt: context.now,
    lifespanMs: 1_000,
    priority: 1,
    authority: statements.find((each) => isGrant(each))?.id ?? null,
    proof: nodeRandom(32),
    audience: null,
    approvals: [],
    encryption: null,
    ...changes,
  } as const
  return (await sealBundle(header, messages, { signer, hash: nodeSha256 })).bytes
}

test('explainFile() finds who signed a bundle, and under which grant', async () => {
  const { explanation, lines } = await explainFile(await sealed(), 'bundle', context)
  expect(explanation).toMatchObject({
    outcome: 'accepted',
    action: 'publish',
    sender: w1,
    name: { state: 'yes' },
    key: { state: 'yes' },
    authority: { state: 'yes' },
    policy: { state: 'not-reached' },
  })
  expect(explanation.notes).toContain(
    'only revocations in this home are checked: a running node hears of others',
  )
  expect(lines[0]).toMatch(/^bundle [0-9a-f]{64}: 1 messages of class event, lifespan 1 s left$/)
})

test('explainFile() refuses a bundle that is changed, on another topic, or by a stranger', async () => {
  const changed = await sealed()
  changed[changed.length - 5]! ^= 1
  const other = await sealed({ topic: parseName('other.acme.example') })
  const stranger = await sealed({ sender: parseName('w1.stranger.example') })
  const codes: unknown[] = []
  for (const bytes of [changed, other, stranger]) {
    const { explanation } = await explainFile(bytes, 'bundle', context)
    codes.push([explanation.outcome, explanation.code])
  }
  expect(codes).toEqual([
    ['rejected', 'bad-signature'],
    ['ignored', 'not-granted'],
    ['ignored', 'no-anchor'],
  ])
})

test('explainFile() reads one statement, raw or in base64url', async () => {
  const [binding] = await home.readStatements(w1)
  const envelope = binding!.envelope
  for (const bytes of [envelope, Buffer.from(`${toBase64url(envelope)}\n`)]) {
    const { explanation, lines } = await explainFile(bytes, 'statement', context)
    expect(explanation).toMatchObject({ outcome: 'accepted', sender: w1 })
    expect(lines).toEqual([expect.stringMatching(/^binding by acme\.example: .*signature holds$/)])
  }
})

test('explainFile() says of anything else that it is neither', async () => {
  for (const bytes of [new Uint8Array(), Buffer.from('hello'), nodeRandom(500)]) {
    await expect(explainFile(bytes, 'file', context)).rejects.toMatchObject({ code: 'file' })
  }
})
