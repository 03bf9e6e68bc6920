import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseName } from '@ixj/names'
import { expect, test } from 'vitest'
import { openNode } from '../../src/node.ts'
import { born, openField, openFolder, openOffice } from '../home-bench.ts'

const crew = parseName('crew.acme.example')
const [node1, node2] = [parseName('node1.acme.example'), parseName('node2.acme.example')]
const [planner, scout] = [parseName('planner.acme.example'), parseName('scout.acme.example')]
const member = { actions: ['publish', 'subscribe'], topics: [crew] } as const
const listen = ['/ip4/127.0.0.1/tcp/0']

test('a node that was off gets what it missed, in order, and nothing twice, over libp2p', async () => {
  await using folder = await openFolder()
  const office = await openOffice(join(folder.path, 'office'))
  const field = await openField(join(folder.path, 'field'), office)
  await born({ office, home: office, name: node1 }, {})
  await born({ office, home: office, name: planner }, { grants: [member] })
  await born({ office, home: field, name: node2 }, {})
  await born({ office, home: field, name: scout }, { grants: [member] })
  await using first = await openNode({ name: node1, home: office, listen })
  const here = await (await first.openAgent(planner)).join(crew)
  const read = async (count: number) => {
    await using second = await openNode({ name: node2, home: field, connect: first.addresses })
    const there = await (await second.openAgent(scout)).join(crew)
    const [live, kept] = [there.messages(), there.messages({ history: 100 })]
    const bodies: unknown[] = []
    for await (const { body } of live) if (bodies.push(body) === count) break
    // What came in an earlier run is history in this one.
    const before = await kept.take()
    return { bodies, before: before.value?.historical }
  }
  await here.publish('before')
  expect(await read(1)).toEqual({ bodies: ['before'], before: false })
  const missed = ['one', 'two', 'three', 'four']
  for (const body of missed) await here.publish(body)
  expect(await read(4)).toEqual({ bodies: missed, before: true })
  const path = join(field.folder, 'history', node2, 'bundles.sqlite')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})
