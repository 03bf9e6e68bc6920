import { memoryStore, type Store } from '@ixj/agent'
import { decode } from '@ixj/trust'
import { afterEach, expect, it } from 'vitest'
import { World } from '../../../../test/world/world.ts'

/** Names that publish a status each, as of who binds others for longer than a minute. */
const ISSUERS = 30
let world: World
afterEach(() => world.close())

/** A store that counts how often statuses are written. */
class CountingStore implements Store {
  readonly #store = memoryStore()
  writes = 0

  get(key: string) {
    return this.#store.get(key)
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    if (key.startsWith('status/')) this.writes += 1
    await this.#store.set(key, value)
  }
}

it('statuses of many names that come together are written together, each once', async () => {
  world = new World(11)
  const acme = world.organisation('acme.example')
  const store = new CountingStore()
  const n1 = await world.node(acme, 'n1.acme.example')
  await world.node(acme, 'n2.acme.example', { store })
  await world.connect('n1.acme.example', 'n2.acme.example')
  expect(store.writes).toBe(0)
  for (let issuer = 0; issuer < ISSUERS; issuer++) {
    const boss = await n1.host.openAgent(
      await world.bind(acme, `boss${issuer}.acme.example`, { uses: 'both', depth: 1 }),
    )
    await boss.spawn('w', { lifetimeSeconds: 3_600 })
  }
  await world.pass(2_000)
  const kept = decode((await store.get('status/n2.acme.example/0')) ?? new Uint8Array())
  expect(kept).toHaveLength(ISSUERS)
  // Two sweeps at most saw them come.
  expect(store.writes).toBeLessThanOrEqual(2)
  const { writes } = store
  // They are published again meanwhile, three times over, and say nothing new.
  await world.pass(60_000)
  expect(store.writes).toBe(writes)
})
