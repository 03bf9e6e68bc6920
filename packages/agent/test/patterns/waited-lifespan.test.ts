import { expect, it } from 'vitest'
import { decodeBundle } from '../../src/bundles/bundle.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { RawNode } from '../../../../test/world/raw-node.ts'
import { toInbox, Town } from '../town.ts'

const RAW = 'raw.acme.example'

it('what waited for its host lives no longer than its own lifespan, each message by itself', async () => {
  await using town = await Town.open(1)
  const { world, acme } = town
  const agent = await town.agent('a', 1, { grants: [toInbox('**.acme.example')] })
  const raw = new RawNode(world, acme, await world.bind(acme, RAW))
  const began = world.clock.now()
  const sent = [agent.send(RAW, 'first', { lifespanMs: 10_000 })]
  await world.pass(6_000)
  sent.push(agent.send(RAW, 'second', { lifespanMs: 10_000 }))
  await world.pass(2_000)
  await raw.meet('n1.acme.example')
  await raw.openInbox('n1.acme.example')
  await world.until(Promise.all(sent))
  await world.pass(100)
  const headers = raw.heard.map(({ bytes }) => decodeBundle(bytes, nodeSha256).header)
  const ends = headers.map(({ sentAt, lifespanMs }) => sentAt + lifespanMs - began)
  expect(ends).toEqual([10_000, 16_000])
})
