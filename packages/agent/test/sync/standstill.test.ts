import { parseName } from '@ixj/names'
import { expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { History } from '../../src/history/history.ts'
import { memoryHistory } from '../../src/history/memory-rows.ts'
import { standstillOf } from '../../src/sync/standstill.ts'
import { annsBundle, CREW, openScene, type Scene } from '../scene.ts'

const ACME = parseName('acme.example')

async function open(scene: Scene) {
  const now = scene.world.clock.now()
  const history = await History.open(memoryHistory(), { hash: nodeSha256, now })
  /** The message at that place comes. */
  const come = async (first: number) => {
    const { bundle } = await annsBundle(scene, CREW, { first })
    await history.add(bundle, { verifiedAt: now, onBehalfOf: ACME, origin: 'live' })
    const { key, class: kept, epoch } = bundle.header
    return { key, class: kept === 'task' ? kept : 'event', epoch } as const
  }
  return { history, come, topic: parseName(CREW) }
}

it('a stream that goes on past what is here, and of which nothing comes, is missed', async () => {
  await using scene = await openScene()
  const { history, come, topic } = await open(scene)
  const stream = await come(1)
  expect(standstillOf(history, topic, [{ ...stream, next: 5 }])?.()).toBe(true)
})

it('a stream of which more came since is on its way, and missed again where it stands still after', async () => {
  await using scene = await openScene()
  const { history, come, topic } = await open(scene)
  const stream = await come(1)
  const isMissed = standstillOf(history, topic, [{ ...stream, next: 5 }])
  await come(2)
  expect(isMissed?.()).toBe(false)
  expect(standstillOf(history, topic, [{ ...stream, next: 5 }])?.()).toBe(true)
})

it('one stream that stands still is missed beside another that comes', async () => {
  await using scene = await openScene()
  const { history, come, topic } = await open(scene)
  const stream = await come(1)
  const silent = { ...stream, key: new Uint8Array(32).fill(7), next: 2 }
  const isMissed = standstillOf(history, topic, [{ ...stream, next: 5 }, silent])
  await come(2)
  expect(isMissed?.()).toBe(true)
})

it('a stream that is all here is not missed', async () => {
  await using scene = await openScene()
  const { history, come, topic } = await open(scene)
  const stream = await come(1)
  expect(standstillOf(history, topic, [{ ...stream, next: 2 }])).toBeUndefined()
})
