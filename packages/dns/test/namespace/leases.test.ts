import { parseName } from '@ixj/names'
import { readEndpoints } from '@ixj/dns'
import { describe, expect, test } from 'vitest'
import {
  coded,
  endpoint,
  heard,
  hosted,
  keyRecord,
  node1,
  openScene,
  planner,
  START,
  whole,
} from './scene.ts'

const MINUTE = 60_000
const HOUR = 3_600_000

describe('leases', () => {
  test('a name that is not renewed leaves the zone by itself, after its owner was told', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const { all } = heard(namespace.events())
    await namespace.publish(planner, whole)
    await scene.clock.advance(HOUR - 600_001)
    expect(all.map(({ kind }) => kind)).toEqual(['published'])
    await scene.clock.advance(1)
    expect(all.at(-1)).toEqual({ kind: 'lease-ending', name: planner, endsAt: START + HOUR })
    await scene.clock.advance(599_999)
    expect(await scene.keys()).toEqual([hosted])
    await scene.clock.advance(1)
    expect(await scene.rrsets()).toEqual([])
    expect(all.at(-1)).toEqual({ kind: 'lease-ended', name: planner })
    expect(all).toHaveLength(3)
    expect(scene.removed).toEqual([{ name: planner, key: hosted.key }])
    expect(scene.leases.all()).toEqual([])
  })

  test('renew() begins the lease anew, and once its end has come it is too late', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const { all } = heard(namespace.events())
    await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: 3_600 })
    await scene.clock.advance(HOUR - 1)
    expect(await namespace.renew(planner)).toEqual({ name: planner, endsAt: START + 2 * HOUR - 1 })
    await scene.clock.advance(HOUR - 1)
    expect(await scene.keys()).toHaveLength(1)
    expect(all.map(({ kind }) => kind)).toEqual([
      'published',
      'lease-ending',
      'renewed',
      'lease-ending',
    ])
    await scene.clock.advance(1)
    await expect(namespace.renew(planner)).rejects.toThrow(coded('absent'))
    expect(await scene.keys()).toEqual([])
  })

  test('renew() can move a name: new places take the place of the old ones', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    await namespace.publish(planner, whole)
    const moved = { ...endpoint, port: 4_002 }
    await namespace.renew(planner, { places: { endpoints: [moved] }, leaseSeconds: null })
    const records = await scene.records()
    const service = records.filter(({ name }) => name === '_ixj.planner.acme.example')
    expect(readEndpoints(service, { hosts: [node1] }).endpoints).toEqual([moved])
    expect(await scene.rrsets()).toEqual([
      '_ixj.planner.acme.example SVCB',
      '_ixj.planner.acme.example TLSA',
      '_ixjkey.planner.acme.example TXT',
      '_planner._agents.acme.example SVCB',
    ])
    const stranger = { ...endpoint, target: parseName('node9.acme.example') }
    const wrong = namespace.renew(planner, { places: { endpoints: [stranger] } })
    await expect(wrong).rejects.toThrow(coded('argument'))
    await namespace.remove(planner)
    expect(await scene.rrsets()).toEqual([])
  })

  test('a name without a lease stays', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const published = await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: null })
    expect(published.endsAt).toBeNull()
    expect(scene.leases.nextDue()).toBeUndefined()
  })

  test('a lease that ended while nobody kept it ends when the namespace is opened', async () => {
    await using scene = await openScene()
    {
      await using namespace = await scene.open()
      await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: 60 })
    }
    await scene.clock.advance(10 * MINUTE)
    expect(await scene.keys()).toHaveLength(1)
    await using again = await scene.open()
    const { all } = heard(again.events())
    await scene.clock.advance(0)
    expect(await scene.keys()).toEqual([])
    expect(all).toEqual([{ kind: 'lease-ended', name: planner }])
  })

  test('the process that keeps leases ends those that others wrote', async () => {
    await using scene = await openScene()
    await using keeper = await scene.open()
    const { all } = heard(keeper.events())
    await scene.clock.advance(0)
    {
      await using tool = await scene.open({ keepsLeases: false })
      await tool.publish(planner, { keys: [keyRecord()], leaseSeconds: 60 })
    }
    await scene.clock.advance(MINUTE + 5_000)
    expect(await scene.keys()).toEqual([])
    expect(all.map(({ kind }) => kind)).toEqual(['lease-ending', 'lease-ended'])
  })

  test('of a short lease, the last quarter is its notice', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const { all } = heard(namespace.events())
    await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: 60 })
    await scene.clock.advance(45_000 - 1)
    expect(all).toHaveLength(1)
    await scene.clock.advance(1)
    expect(all.at(-1)).toMatchObject({ kind: 'lease-ending' })
  })

  test('an end is an end, even if nobody has taken the name out yet', async () => {
    await using scene = await openScene()
    await using tool = await scene.open({ keepsLeases: false })
    await tool.publish(planner, { keys: [keyRecord()], leaseSeconds: 60 })
    await scene.clock.advance(MINUTE)
    await expect(tool.renew(planner)).rejects.toThrow(coded('absent'))
    await expect(tool.publish(planner, { keys: [keyRecord()] })).rejects.toThrow(coded('zone'))
  })
})
