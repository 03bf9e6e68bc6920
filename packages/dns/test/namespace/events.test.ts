import { parseName } from '@ixj/names'
import { NAMESPACE_READERS_MAX, type NamespaceEvent } from '@ixj/dns'
import { expect, test } from 'vitest'
import { coded, keyRecord, openScene, planner } from './scene.ts'

test('a slow reader loses the oldest events, and is told how many', async () => {
  await using scene = await openScene()
  await using namespace = await scene.open()
  const events = namespace.events({ queueMax: 2 })
  await namespace.publish(planner, { keys: [keyRecord()] })
  for (let count = 0; count < 4; count++) await namespace.renew(planner)
  const read: NamespaceEvent[] = []
  for await (const event of events) {
    read.push(event)
    if (read.length === 3) break
  }
  expect(read[0]).toEqual({ kind: 'lost', count: 3 })
  expect(read.map(({ kind }) => kind)).toEqual(['lost', 'renewed', 'renewed'])
  expect(events.lost).toBe(3)
})

test('each reader gets all events from when it began, and ends with the namespace', async () => {
  await using scene = await openScene()
  const namespace = await scene.open()
  const first = namespace.events()
  await namespace.publish(planner, { keys: [keyRecord()] })
  const second = namespace.events()
  const ending = new AbortController()
  const third = namespace.events({ signal: ending.signal })
  ending.abort()
  await namespace.remove(planner)
  await namespace[Symbol.asyncDispose]()
  const kinds = async (events: AsyncIterable<NamespaceEvent>) => {
    const all: NamespaceEvent['kind'][] = []
    for await (const { kind } of events) all.push(kind)
    return all
  }
  expect(await kinds(first)).toEqual(['published', 'removed'])
  expect(await kinds(second)).toEqual(['removed'])
  expect(await kinds(third)).toEqual([])
})

test('readers are bounded, and one that ended makes room', async () => {
  await using scene = await openScene()
  await using namespace = await scene.open()
  const readers = Array.from({ length: NAMESPACE_READERS_MAX }, () => namespace.events())
  expect(() => namespace.events()).toThrow(coded('limit'))
  await readers[0]![Symbol.asyncDispose]()
  namespace.events()
  expect(() => namespace.events({ signal: AbortSignal.abort() })).toThrow(coded('limit'))
})

test('changes that wait are bounded', async () => {
  await using scene = await openScene()
  await using namespace = await scene.open()
  const verbs = Array.from({ length: 1_030 }, async () => await namespace.remove(planner))
  const outcomes = await Promise.allSettled(verbs)
  const codes = outcomes.map((outcome) =>
    outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'done',
  )
  expect(codes.filter((code) => code === 'limit')).toHaveLength(6)
  expect(codes.filter((code) => code === 'absent')).toHaveLength(1_024)
})

test('list() tells what is published, until when, and what is not ours', async () => {
  await using scene = await openScene()
  await using other = await openScene()
  await using namespace = await scene.open()
  await using second = await scene.open({ leases: other.leases })
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((label) => parseName(`${label}.acme.example`))
  const { endsAt } = await namespace.publish(a!, { keys: [keyRecord()] })
  await namespace.publish(b!, { keys: [keyRecord()] })
  await namespace.suspend(b!)
  await second.publish(c!, { keys: [keyRecord()] })
  await namespace.publish(d!, { keys: [keyRecord()], leaseSeconds: null })
  const keys = [keyRecord()]
  const common = { keys, rotation: null }
  const { names, slices } = await namespace.list()
  expect(names).toEqual([
    { ...common, name: a, state: 'published', endsAt, zone: 'same' },
    { ...common, name: b, state: 'suspended', endsAt: null, zone: 'none' },
    { ...common, name: c, state: 'not-ours', endsAt: null, zone: 'other' },
    { ...common, name: d, state: 'published', endsAt: null, zone: 'same' },
  ])
  expect(slices).toEqual([])
})
