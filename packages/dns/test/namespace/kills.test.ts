import type { Name } from '@ixj/names'
import {
  type Lease,
  type LeaseStore,
  type NamespaceManager,
  type NamespaceOptions,
  type ZoneBackend,
} from '@ixj/dns'
import { expect, test } from 'vitest'
import {
  indexOf,
  keyRecord,
  KEYS,
  manualClock,
  openScene,
  planner,
  type Scene,
  whole,
} from './scene.ts'

/** A process that dies at its n-th effect: nothing that it does from then on has one. */
class Mortal {
  effects = 0
  #left: number
  readonly #dead = () => new Error('dead')

  constructor(left: number) {
    this.#left = left
  }

  get isDead(): boolean {
    return this.#left <= 0
  }

  /** Counts an effect; false if the process is dead before it. */
  #lives(): boolean {
    if (this.#left <= 0) return false
    this.#left -= 1
    this.effects += 1
    return true
  }

  store(inner: LeaseStore): LeaseStore {
    const effect = <Result>(run: () => Result): Result => {
      if (!this.#lives()) throw this.#dead()
      return run()
    }
    return {
      get: (name: Name) => inner.get(name),
      put: (lease: Lease) => effect(() => inner.put(lease)),
      delete: (lease: Lease) => effect(() => inner.delete(lease)),
      due: (now, limit) => (this.isDead ? [] : inner.due(now, limit)),
      nextDue: () => inner.nextDue(),
      all: () => inner.all(),
    }
  }

  backend(inner: ZoneBackend): ZoneBackend {
    return {
      zone: inner.zone,
      apply: async (...change) => {
        if (!this.#lives()) throw this.#dead()
        await inner.apply(...change)
        if (this.isDead) throw this.#dead()
      },
      list: async (...options) => await inner.list(...options),
    }
  }

  callback(inner: NonNullable<NamespaceOptions['onKeyRemoved']>) {
    return async (removed: { readonly name: Name; readonly key: Uint8Array }) => {
      if (!this.#lives()) throw this.#dead()
      await inner(removed)
    }
  }
}

interface Story {
  readonly what: string
  /** What happens before, by a process that lives. */
  readonly before?: (namespace: NamespaceManager, scene: Scene) => Promise<unknown>
  /** What the process does that dies. */
  readonly deed: (namespace: NamespaceManager, scene: Scene) => Promise<unknown>
  /** What the states may be when all is settled. */
  readonly ends: readonly string[]
}

const publish = (namespace: NamespaceManager) => namespace.publish(planner, whole)
const lasting = { ...whole, leaseSeconds: null }
/** Signatures of a minute, so that a rotation takes six of them. */
const signatureSeconds = 60
const ROTATION_MS = 6 * 60_000

const stories: readonly Story[] = [
  { what: 'publish', deed: publish, ends: ['free', 'published'] },
  {
    what: 'renew with other places',
    before: publish,
    deed: (namespace) => namespace.renew(planner, { places: { addresses: ['/dns4/b/tcp/1'] } }),
    ends: ['published'],
  },
  {
    what: 'rotate',
    before: async (namespace) => await namespace.publish(planner, lasting),
    deed: (namespace) => namespace.rotate(planner, { nextKey: KEYS[1]! }),
    ends: ['published', 'rotating'],
  },
  {
    what: 'the end of a rotation',
    before: async (namespace) => {
      await namespace.publish(planner, lasting)
      await namespace.rotate(planner, { nextKey: KEYS[1]!, overlapSeconds: 0 })
    },
    deed: async (_, scene) => await scene.clock.advance(ROTATION_MS),
    ends: ['rotated'],
  },
  {
    what: 'suspend',
    before: publish,
    deed: (namespace) => namespace.suspend(planner),
    ends: ['published', 'suspended'],
  },
  {
    what: 'resume',
    before: async (namespace) => {
      await publish(namespace)
      await namespace.suspend(planner)
    },
    deed: (namespace) => namespace.resume(planner),
    ends: ['published', 'suspended'],
  },
  {
    what: 'remove',
    before: publish,
    deed: (namespace) => namespace.remove(planner),
    ends: ['published', 'removed'],
  },
  {
    what: 'the end of a lease',
    before: async (namespace) => await namespace.publish(planner, { ...whole, leaseSeconds: 60 }),
    deed: async (_, scene) => await scene.clock.advance(120_000),
    ends: ['removed'],
  },
]

/** The state of the name, once the zone, the leases and the reported keys agree on one. */
async function stateOf(scene: Scene): Promise<string> {
  const lease = scene.leases.get(planner)
  const rrsets = await scene.rrsets()
  const keys = (await scene.keys()).map(({ key }) => indexOf(key))
  const reported = new Set(scene.removed.map(({ key }) => indexOf(key)))
  expect(lease?.work ?? null, 'nothing is left to do').toBeNull()
  if (lease === undefined) {
    expect(rrsets, 'the zone has nothing of it').toEqual([])
    return reported.has(0) ? 'removed' : 'free'
  }
  if (lease.phase === 'suspended') {
    expect(rrsets, 'the zone has nothing of it').toEqual([])
    expect(reported.size).toBe(0)
    return 'suspended'
  }
  expect(lease.phase).toBe('published')
  expect(await scene.keys(), 'the zone has the keys of the lease').toEqual(lease.keys)
  if (reported.size > 0) {
    expect([keys, [...reported]]).toEqual([[1], [0]])
    return 'rotated'
  }
  return keys.length === 2 ? 'rotating' : 'published'
}

/** Runs a story with a death at its n-th effect; gives whether it came to that, and the end. */
async function live(story: Story, left: number): Promise<{ died: boolean; end: string }> {
  await using scene = await openScene()
  if (story.before !== undefined) {
    await using namespace = await scene.open({ keepsLeases: false, signatureSeconds })
    await story.before(namespace, scene)
  }
  const mortal = new Mortal(left)
  const clock = manualClock(scene.clock.now())
  const doomed = await scene.open({
    clock,
    signatureSeconds,
    leases: mortal.store(scene.leases),
    backend: mortal.backend(scene.zone),
    onKeyRemoved: mortal.callback(async (removed) => void scene.removed.push(removed)),
  })
  // What a dying process returns or throws, nobody sees.
  await story.deed(doomed, Object.assign(Object.create(scene) as Scene, { clock })).catch(String)
  await clock.advance(0)
  // The dead process has no clock any more; the next one goes on from its time.
  await scene.clock.advance(clock.now() - scene.clock.now())
  await using next = await scene.open({ signatureSeconds })
  await scene.clock.advance(60_000)
  const end = await stateOf(scene)
  // Whatever the end, the name can be removed or published: nothing is stuck.
  if (end === 'free' || end === 'removed') {
    await next.publish(planner, { keys: [keyRecord({ key: KEYS[2]! })] })
  } else await next.remove(planner)
  return { died: mortal.isDead, end }
}

test.each(stories)('$what: whenever the process dies, all is settled', async (story) => {
  const ends = new Set<string>()
  for (let left = 0; ; left++) {
    const { died, end } = await live(story, left)
    expect(story.ends, `death after ${left} effects`).toContain(end)
    ends.add(end)
    if (died) continue
    // It takes a lease, a change of the zone and a lease at least.
    expect(left).toBeGreaterThan(3)
    break
  }
  expect([...ends].toSorted()).toEqual([...story.ends].toSorted())
})
