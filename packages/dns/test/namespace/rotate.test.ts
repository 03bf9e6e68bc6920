import { sha256 } from '@ixj/trust'
import { TYPE } from '@ixj/dns'
import { describe, expect, test } from 'vitest'
import { coded, heard, keyRecord, KEYS, node1, openScene, planner, START } from './scene.ts'

const MINUTE = 60_000

describe('rotate()', () => {
  const WAIT = (300 + 14_400) * 1_000

  test('announces, switches, and takes out the old key', async () => {
    await using scene = await openScene()
    const told: string[] = []
    await using namespace = await scene.open({
      onKeyRemoved: async ({ key }) => {
        expect(key).toEqual(KEYS[0])
        told.push('revoked')
      },
    })
    const events = namespace.events()
    const { all } = heard(events)
    const old = keyRecord({ uses: 'both', depth: 2, hosts: [node1], next: sha256(KEYS[1]!) })
    await namespace.publish(planner, { keys: [old], leaseSeconds: null })
    const switchAt = START + WAIT
    const rotation = await namespace.rotate(planner, {
      nextKey: KEYS[1]!,
      next: sha256(KEYS[2]!),
      overlapSeconds: 60,
    })
    const times = { switchAt, dropAt: switchAt + MINUTE }
    expect(rotation).toMatchObject({ nextKey: KEYS[1], replaces: KEYS[0], ...times })
    const next = { ...old, key: KEYS[1]!, next: sha256(KEYS[2]!) }
    expect(await scene.keys()).toEqual([old, { ...next, notBefore: switchAt }])
    await scene.clock.advance(WAIT - 1)
    expect(all.map(({ kind }) => kind)).toEqual(['published', 'rotating'])
    await scene.clock.advance(1)
    expect(all.at(-1)).toEqual({
      kind: 'switched',
      name: planner,
      key: KEYS[1],
      dropAt: times.dropAt,
    })
    expect(await scene.keys()).toHaveLength(2)
    await scene.clock.advance(MINUTE)
    expect(await scene.keys()).toEqual([next])
    expect(all.at(-1)).toEqual({
      kind: 'rotated',
      name: planner,
      key: KEYS[1],
      removed: KEYS[0],
    })
    expect(told).toEqual(['revoked'])
    await expect(namespace.rotate(planner, { nextKey: KEYS[3]! })).rejects.toThrow(
      coded('argument'),
    )
    await namespace.rotate(planner, { nextKey: KEYS[2]! })
  })

  test('goes on where it stood after a restart', async () => {
    await using scene = await openScene()
    {
      await using namespace = await scene.open()
      await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: null })
      await namespace.rotate(planner, { nextKey: KEYS[1]!, overlapSeconds: 0 })
    }
    await using again = await scene.open()
    const { all } = heard(again.events())
    await scene.clock.advance(WAIT)
    expect(all.map(({ kind }) => kind)).toEqual(['switched', 'rotated'])
    expect(await scene.keys()).toEqual([keyRecord({ key: KEYS[1]! })])
  })

  test('counts from when the next key is in the zone, if a process died before that', async () => {
    await using scene = await openScene()
    const silent = { zone: scene.zone.zone, list: () => scene.zone.list() }
    const never = async () => await new Promise<void>(() => undefined)
    {
      await using namespace = await scene.open({ keepsLeases: false })
      await namespace.publish(planner, { keys: [keyRecord()], leaseSeconds: null })
    }
    const dying = await scene.open({ keepsLeases: false, backend: { ...silent, apply: never } })
    void dying.rotate(planner, { nextKey: KEYS[1]!, overlapSeconds: 60 })
    await scene.clock.advance(20 * MINUTE)
    await using namespace = await scene.open()
    const { all } = heard(namespace.events())
    await scene.clock.advance(0)
    const switchAt = START + 20 * MINUTE + WAIT
    const times = { switchAt, dropAt: switchAt + MINUTE }
    expect(all).toMatchObject([{ kind: 'rotating', nextKey: KEYS[1], ...times }])
    expect(await scene.keys()).toEqual([
      keyRecord(),
      keyRecord({ key: KEYS[1]!, notBefore: switchAt }),
    ])
  })

  test('waits for the TTL and the signatures of the zone that it is told of', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open({ signatureSeconds: 600 })
    await namespace.publish(planner, { keys: [keyRecord()], keyTtlSeconds: 30 })
    await scene.clock.advance(1)
    const { switchAt } = await namespace.rotate(planner, { nextKey: KEYS[1]! })
    expect(switchAt).toBe(START + 631_000)
  })

  test('refuses a key that its record does not commit to, and changes nothing', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const committed = keyRecord({ next: sha256(KEYS[1]!) })
    await namespace.publish(planner, { keys: [committed] })
    const before = scene.leases.get(planner)
    await expect(namespace.rotate(planner, { nextKey: KEYS[2]! })).rejects.toThrow(
      coded('argument'),
    )
    expect(await scene.keys()).toEqual([committed])
    expect(scene.leases.get(planner)).toEqual(before)
    await namespace.rotate(planner, { nextKey: KEYS[1]! })
  })

  test('refuses what makes no sense', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open()
    const three = KEYS.slice(0, 3).map((key) => keyRecord({ key }))
    await namespace.publish(planner, { keys: three })
    const refusals: readonly [object, string][] = [
      [{ nextKey: KEYS[3]! }, 'argument'],
      [{ nextKey: KEYS[1]!, replaces: KEYS[0]! }, 'argument'],
      [{ nextKey: KEYS[3]!, replaces: KEYS[4]! }, 'argument'],
      [{ nextKey: new Uint8Array(32), replaces: KEYS[0]! }, 'argument'],
      [{ nextKey: KEYS[3]!, replaces: KEYS[0]!, overlapSeconds: -1 }, 'argument'],
      [{ nextKey: KEYS[3]!, replaces: KEYS[0]!, next: new Uint8Array(3) }, 'argument'],
    ]
    for (const [options, code] of refusals) {
      const rotated = namespace.rotate(planner, options as { nextKey: Uint8Array })
      await expect(rotated).rejects.toThrow(coded(code))
    }
    await namespace.rotate(planner, { nextKey: KEYS[3]!, replaces: KEYS[0]! })
    const again = namespace.rotate(planner, { nextKey: KEYS[4]!, replaces: KEYS[1]! })
    await expect(again).rejects.toThrow(coded('zone'))
  })

  test('keeps the mirror of the keys beside them', async () => {
    await using scene = await openScene()
    await using namespace = await scene.open({ signatureSeconds: 0 })
    const keys = [keyRecord()]
    await namespace.publish(planner, { keys, mirrorKeys: true, leaseSeconds: null })
    const mirrors = async () => (await scene.records()).filter(({ type }) => type === TYPE.TLSA)
    const [first] = await mirrors()
    await namespace.rotate(planner, { nextKey: KEYS[1]!, overlapSeconds: 0 })
    expect(await mirrors()).toHaveLength(2)
    await scene.clock.advance(300_000)
    const left = await mirrors()
    expect(left).toHaveLength(1)
    expect(left[0]!.data).not.toEqual(first!.data)
  })
})
