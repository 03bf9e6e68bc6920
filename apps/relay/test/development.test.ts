import { join } from 'node:path'
import { parseName } from '@ixj/names'
import { openHome } from '@ixj/node/home'
import { expect, test } from 'vitest'
import { makeDevelopmentHome } from '../src/development.ts'
import { openRelayBench } from './relay-bench.ts'

test('a home for development has what a relay needs, and is made once', async () => {
  await using bench = await openRelayBench()
  const folder = join(bench.folder, 'new')
  const name = parseName('relay1.globex.example')
  expect(await makeDevelopmentHome(folder, name)).toEqual(['globex.example', name])
  expect(await makeDevelopmentHome(folder, name)).toEqual([])
  const key = (await (await openHome(folder)).readSigner(name)).publicKey
  const second = parseName('relay2.globex.example')
  expect(await makeDevelopmentHome(folder, second)).toEqual([second])
  const home = await openHome(folder)
  expect((await home.readSigner(name)).publicKey).toEqual(key)
  expect((await home.readAnchors()).list.map((anchor) => anchor.name)).toEqual(['globex.example'])
  const relay = await bench.relay({ home: folder, name })
  expect(relay.readiness.ready).toBe(true)
})
