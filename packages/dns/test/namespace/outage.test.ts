import { DnsError, type Lease, type LeaseStore } from '@ixj/dns'
import { describe, expect, test } from 'vitest'
import {
  coded,
  FailingBackend,
  heard,
  hosted,
  keyRecord,
  KEYS,
  node1,
  openScene,
  planner,
  START,
  whole,
} from './scene.ts'

const HOUR = 3_600_000

describe('a zone that does not answer', () => {
  const outage = () => new DnsError('unreachable', 'Cannot reach the server')

  test.each(['before', 'after'] as const)(
    'publish() that fails %s the change leaves nothing',
    async (moment) => {
      await using scene = await openScene()
      const backend = new FailingBackend(scene.zone)
      await using namespace = await scene.open({ backend })
      const { all } = heard(namespace.events())
      backend.fail = (now) => {
        if (now === moment) throw outage()
      }
      await expect(namespace.publish(planner, whole)).rejects.toThrow(coded('unreachable'))
      expect(all).toMatchObject([{ kind: 'failed', what: 'publish', retryAt: START + 1_000 }])
      backend.fail = () => undefined
      await scene.clock.advance(1_000)
      expect(await scene.rrsets()).toEqual([])
      expect(scene.leases.all()).toEqual([])
      await namespace.publish(planner, whole)
    },
  )

  test('a claim that was lost to another is not taken back from that one', async () => {
    await using scene = await openScene()
    const backend = new FailingBackend(scene.zone)
    await using namespace = await scene.open({ backend })
    backend.fail = () => {
      throw outage()
    }
    await expect(namespace.publish(planner, whole)).rejects.toThrow(coded('unreachable'))
    await using other = await openScene()
    await using second = await scene.open({ leases: other.leases })
    await second.publish(planner, { keys: [keyRecord({ key: KEYS[1]! })] })
    backend.fail = () => undefined
    await scene.clock.advance(1_000)
    expect(scene.leases.all()).toEqual([])
    expect((await scene.keys()).map(({ key }) => key)).toEqual([KEYS[1]])
  })

  test.each(['before', 'after'] as const)(
    'renew() and rotate() that fail %s the change leave the name as it was',
    async (moment) => {
      await using scene = await openScene()
      const backend = new FailingBackend(scene.zone)
      await using namespace = await scene.open({ backend })
      await namespace.publish(planner, whole)
      const before = { rrsets: await scene.rrsets(), records: await scene.records() }
      backend.fail = (now) => {
        if (now === moment) throw outage()
      }
      const places = { endpoints: [], addresses: ['/dns4/node2.acme.example/tcp/1'] }
      await expect(namespace.renew(planner, { places })).rejects.toThrow(coded('unreachable'))
      await expect(namespace.rotate(planner, { nextKey: KEYS[1]! })).rejects.toThrow(
        coded('unreachable'),
      )
      backend.fail = () => undefined
      await scene.clock.advance(30_000)
      expect(await scene.rrsets()).toEqual(before.rrsets)
      expect(await scene.keys()).toEqual([hosted])
      expect(scene.leases.get(planner)).toMatchObject({ work: null, rotation: null, stale: [] })
      backend.fail = (now) => {
        if (now === moment) throw outage()
      }
      await expect(namespace.rotate(planner, { nextKey: KEYS[1]! })).rejects.toThrow(
        coded('unreachable'),
      )
      backend.fail = () => undefined
      await namespace.rotate(planner, { nextKey: KEYS[1]! })
      expect(await scene.keys()).toHaveLength(2)
    },
  )

  test('a move that was made unheard is taken back, with the RRsets that it brought', async () => {
    await using scene = await openScene()
    const backend = new FailingBackend(scene.zone)
    await using namespace = await scene.open({ backend })
    await namespace.publish(planner, { keys: [keyRecord()] })
    const before = await scene.rrsets()
    backend.fail = (moment) => {
      if (moment === 'after') throw outage()
    }
    const places = { addresses: ['/dns4/node2.acme.example/tcp/1'] }
    await expect(namespace.renew(planner, { places })).rejects.toThrow(coded('unreachable'))
    expect(await scene.rrsets()).toHaveLength(2)
    backend.fail = () => undefined
    await scene.clock.advance(1_000)
    expect(await scene.rrsets()).toEqual(before)
  })

  test('suspend() and remove() go on until they are done', async () => {
    await using scene = await openScene()
    const backend = new FailingBackend(scene.zone)
    await using namespace = await scene.open({ backend })
    const { all } = heard(namespace.events())
    await namespace.publish(planner, whole)
    await namespace.publish(node1, { keys: [keyRecord({ key: KEYS[1]! })] })
    backend.fail = () => {
      throw outage()
    }
    await expect(namespace.suspend(planner)).rejects.toThrow(coded('unreachable'))
    await expect(namespace.remove(node1)).rejects.toThrow(coded('unreachable'))
    await scene.clock.advance(20_000)
    expect(await scene.keys()).toHaveLength(1)
    expect(all.filter(({ kind }) => kind === 'failed').length).toBeGreaterThanOrEqual(8)
    backend.fail = () => undefined
    await scene.clock.advance(60_000)
    expect(await scene.rrsets()).toEqual([])
    expect(scene.removed).toEqual([{ name: node1, key: KEYS[1] }])
    expect(
      all
        .slice(-2)
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(['removed', 'suspended'])
  })

  test('a removal that was made unheard does not take the name from who has it by then', async () => {
    await using scene = await openScene()
    await using other = await openScene()
    const backend = new FailingBackend(scene.zone)
    await using namespace = await scene.open({ backend })
    await using second = await scene.open({ leases: other.leases })
    await namespace.publish(planner, whole)
    backend.fail = (moment) => {
      if (moment === 'after') throw outage()
    }
    await expect(namespace.remove(planner)).rejects.toThrow(coded('unreachable'))
    await second.publish(planner, { keys: [keyRecord({ key: KEYS[1]! })] })
    backend.fail = () => undefined
    await scene.clock.advance(1_000)
    expect((await scene.keys()).map(({ key }) => key)).toEqual([KEYS[1]])
    expect(scene.removed).toEqual([{ name: planner, key: KEYS[0] }])
  })

  test('a lease ends when the zone answers again, however long that takes', async () => {
    await using scene = await openScene()
    const backend = new FailingBackend(scene.zone)
    await using namespace = await scene.open({ backend })
    await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: 60 })
    backend.fail = () => {
      throw outage()
    }
    await scene.clock.advance(HOUR)
    expect(await scene.keys()).toHaveLength(1)
    backend.fail = () => undefined
    await scene.clock.advance(300_000)
    expect(await scene.keys()).toEqual([])
  })

  test('what the zone refuses is not tried again', async () => {
    await using scene = await openScene()
    const backend = new FailingBackend(scene.zone)
    await using namespace = await scene.open({ backend })
    const { all } = heard(namespace.events())
    await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: null })
    backend.fail = () => {
      throw new DnsError('refused', 'Cannot update: REFUSED')
    }
    await expect(namespace.rotate(planner, { nextKey: KEYS[1]! })).rejects.toThrow(coded('refused'))
    expect(all.at(-1)).toMatchObject({ kind: 'failed', retryAt: null })
    expect(scene.leases.get(planner)).toMatchObject({ work: null, rotation: null })
  })

  test('an aborted wait is settled like an outage', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(namespace.publish(planner, whole, { signal: aborted })).rejects.toThrow('enough')
    expect(scene.leases.all()).toEqual([])
  })

  /** A store whose disk is full from when it is told. */
  function fullStore(leases: LeaseStore) {
    const state = { fails: false, tries: 0 }
    const put = (lease: Lease): Lease => {
      if (!state.fails) return leases.put(lease)
      state.tries += 1
      throw new DnsError('storage', 'Cannot write: the disk is full')
    }
    const store: LeaseStore = {
      get: (name) => leases.get(name),
      put,
      delete: (lease) => leases.delete(lease),
      due: (now, limit) => leases.due(now, limit),
      nextDue: () => leases.nextDue(),
      all: () => leases.all(),
    }
    return { state, store }
  }

  test('leases that cannot be written are tried once a second, and told of', async () => {
    await using scene = await openScene()
    const { state, store } = fullStore(scene.leases)
    await using namespace = await scene.open({ leases: store })
    const { all } = heard(namespace.events())
    await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: 60 })
    state.fails = true
    await expect(namespace.suspend(planner)).rejects.toThrow(coded('storage'))
    await scene.clock.advance(100_000)
    expect(state.tries).toBeGreaterThan(10)
    expect(state.tries).toBeLessThan(110)
    expect(all.at(-1)).toMatchObject({ kind: 'failed', name: planner, what: 'attend to' })
    state.fails = false
    await scene.clock.advance(1_000)
    expect(await scene.keys()).toEqual([])
  })

  test('neither a zone nor leases that can be written: once a second all the same', async () => {
    await using scene = await openScene()
    const { state, store } = fullStore(scene.leases)
    const backend = new FailingBackend(scene.zone)
    await using namespace = await scene.open({ leases: store, backend })
    await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: null })
    backend.fail = () => {
      state.fails = true
      throw outage()
    }
    await expect(namespace.remove(planner)).rejects.toThrow(coded('unreachable'))
    await scene.clock.advance(100_000)
    expect(state.tries).toBeGreaterThan(10)
    expect(state.tries).toBeLessThan(110)
    state.fails = false
    backend.fail = () => undefined
    await scene.clock.advance(1_000)
    expect(scene.leases.all()).toEqual([])
  })
})
