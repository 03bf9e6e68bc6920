import { keyOwner, TYPE } from '@ixj/dns'
import { describe, expect, test } from 'vitest'
import { coded, heard, keyRecord, KEYS, openScene, planner, START, whole } from './scene.ts'

const HOUR = 3_600_000
/** 0 issue "x". */
const caa = Uint8Array.of(0, 5, 0x69, 0x73, 0x73, 0x75, 0x65, 0x78)

describe('suspend() and resume()', () => {
  test('take a name out, keep it aside without a revocation, and bring it back', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const { all } = heard(namespace.events())
    await namespace.publish(planner, whole)
    const before = await scene.rrsets()
    await namespace.suspend(planner)
    expect(await scene.rrsets()).toEqual([])
    expect(scene.removed).toEqual([])
    await scene.clock.advance(10 * HOUR)
    for (const verb of [
      namespace.publish(planner, whole),
      namespace.renew(planner),
      namespace.suspend(planner),
      namespace.rotate(planner, { nextKey: KEYS[1]! }),
    ]) {
      await expect(verb).rejects.toThrow(coded('zone'))
    }
    const { endsAt } = await namespace.resume(planner)
    expect(endsAt).toBe(scene.clock.now() + HOUR)
    expect(await scene.rrsets()).toEqual(before)
    await expect(namespace.resume(planner)).rejects.toThrow(coded('zone'))
    expect(all.map(({ kind }) => kind)).toEqual(['published', 'suspended', 'resumed'])
  })

  test('resume() does not take a name from whoever has it by then', async () => {
    await using scene = await openScene()
    await using other = await openScene()
    await using namespace = await scene.open()
    await using second = await scene.open({ leases: other.leases })
    await namespace.publish(planner, { keys: [keyRecord()] })
    await namespace.suspend(planner)
    await second.publish(planner, { keys: [keyRecord({ key: KEYS[1]! })] })
    await expect(namespace.resume(planner)).rejects.toThrow(coded('zone'))
    expect(scene.leases.get(planner)?.phase).toBe('suspended')
    await namespace.remove(planner)
    expect((await scene.keys()).map(({ key }) => key)).toEqual([KEYS[1]])
    expect(scene.removed).toEqual([{ name: planner, key: KEYS[0] }])
  })
})

describe('remove()', () => {
  test('is done only when the revocation of each key is', async () => {
    await using scene = await openScene()
    let refuse = true
    const asked: string[] = []
    await using namespace = await scene.open({
      onKeyRemoved: async ({ key }) => {
        asked.push(KEYS.indexOf(key) < 0 ? 'key' : 'known')
        expect(await scene.keys()).toEqual([])
        if (refuse) throw new Error('no signature yet')
      },
    })
    const { all } = heard(namespace.events())
    await namespace.publish(planner, { keys: [keyRecord(), keyRecord({ key: KEYS[1]! })] })
    await expect(namespace.remove(planner)).rejects.toThrow('no signature yet')
    expect(scene.leases.get(planner)?.phase).toBe('removing')
    const failed = { kind: 'failed', name: planner, what: 'remove', retryAt: START + 1_000 }
    expect(all.at(-1)).toMatchObject(failed)
    await scene.clock.advance(3_000)
    expect(all.filter(({ kind }) => kind === 'failed')).toHaveLength(3)
    refuse = false
    await scene.clock.advance(4_000)
    expect(all.at(-1)).toEqual({ kind: 'removed', name: planner })
    expect(scene.leases.all()).toEqual([])
    await expect(namespace.remove(planner)).rejects.toThrow(coded('absent'))
  })

  test('does not touch a name that another took after it had left the zone', async () => {
    await using scene = await openScene()
    await using other = await openScene()
    let refuse = true
    await using namespace = await scene.open({
      onKeyRemoved: async () => {
        if (refuse) throw new Error('no signature yet')
      },
    })
    await using second = await scene.open({ leases: other.leases })
    await namespace.publish(planner, { keys: [keyRecord()] })
    await expect(namespace.remove(planner)).rejects.toThrow('no signature yet')
    await second.publish(planner, { keys: [keyRecord({ key: KEYS[1]! })] })
    refuse = false
    await namespace.remove(planner)
    expect((await scene.keys()).map(({ key }) => key)).toEqual([KEYS[1]])
  })

  test('leaves what others put beside the name', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    await namespace.publish(planner, { keys: [keyRecord()] })
    const name = keyOwner(planner)
    const note = { kind: 'set', name, type: TYPE.CAA, ttl: 60, data: [caa] } as const
    await scene.zone.apply([note])
    await namespace.remove(planner)
    expect(await scene.rrsets()).toEqual([`${name} CAA`])
  })
})
