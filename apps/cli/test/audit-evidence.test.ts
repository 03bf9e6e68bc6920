import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseName } from '@ixj/names'
import { openHome, systemClock } from '@ixj/node/home'
import { toBase64url, toHex } from '@ixj/trust'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openNodeHistory } from '../../../packages/node/src/history/node-history.ts'
import { makeBundle } from '../../../test/world/made-bundle.ts'
import { World } from '../../../test/world/world.ts'
import { commandsOf } from './run-here.ts'

const NODE = parseName('node1.acme.example')
const CREW = 'crew.acme.example'
const ANN = 'ann.acme.example'

let folder: string
let bundles: readonly Uint8Array[]
let key: string

/** What a node keeps that has caught ann signing two bundles for one place. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ixj-evidence-'))
  const home = await openHome(folder)
  const world = new World(1)
  const ann = await world.bind(world.organisation('acme.example'), ANN)
  const made = [await makeBundle(world, ann, CREW), await makeBundle(world, ann, CREW)]
  const [first, second] = made.map(({ bundle }) => bundle)
  key = toHex(ann.signer.publicKey)
  await using history = await openNodeHistory(home, NODE, systemClock)
  await history.rows.putEvidence({
    key,
    stream: `${CREW}|${ANN}|${key}|event|${first!.header.epoch}`,
    ids: [first!.idText, second!.idText],
    bundles: [first!.bytes, second!.bytes],
  })
  bundles = made.map(({ bytes }) => bytes)
  await world.close()
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

test('audit evidence shows the key and both bundles, which explain reads', async () => {
  const home = commandsOf(folder)
  const shown = await home.done('audit', 'evidence', NODE)
  expect(shown).toContain(`${ANN}  ${key.slice(0, 12)}  ${CREW}  event`)
  const record = JSON.parse(await home.done('audit', 'evidence', NODE, '--json')) as unknown
  const told = bundles.map((bytes) => toBase64url(bytes))
  expect(record).toMatchObject({ node: NODE, sender: ANN, topic: CREW, key, bundles: told })
  const file = join(folder, 'second')
  await writeFile(file, told[1]!)
  const { stdout } = await home.run('explain', file)
  expect(stdout).toContain(`publish on ${CREW}  by ${ANN}`)
})

test('audit evidence says so where there is none', async () => {
  const home = commandsOf(folder)
  const { code, stdout, stderr } = await home.run('audit', 'evidence', 'node2.acme.example')
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  expect(stderr).toContain('has caught no key')
})
