import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openGossip, sendRpc } from './mesh-attackers.ts'
import { bytesOf, MeshBench, wire } from './mesh-bench.ts'
import { openWay } from './way.ts'

const crew = 'crew.acme.example'
/** libp2p resets what has not ended after 500 ms of real time. */
const SLOW_MS = 700

test('what a node says before it ends is read by a neighbour that is slow to read', async () => {
  await using bench = new MeshBench()
  const [victim, raw] = [await bench.victim(), await bench.raw()]
  using way = await openWay(victim.mesh.addresses[0]!)
  const connection = await raw.dial([way.address])
  await bench.until(() => victim.told.connections.length > 0)
  victim.mesh.admit(raw.peer)
  victim.mesh.allow(raw.peer, crew)
  const gossip = await openGossip(connection)
  sendRpc(gossip, {
    subscriptions: [{ topic: wire(crew), subscribe: true }],
    control: { ihave: [], iwant: [], graft: [{ topicID: wire(crew) }], prune: [], idontwant: [] },
  })
  await bench.until(() => victim.mesh.subscribers(crew).includes(raw.peer))
  way.stop()
  const texts = Array.from(
    { length: 100 },
    (_, index) => `last words ${index} ${'.'.repeat(10_000)}`,
  )
  for (const text of texts) await victim.mesh.publish(crew, bytesOf(text))
  const ended = victim[Symbol.asyncDispose]()
  await wait(SLOW_MS)
  way.goOn()
  await ended
  const heard = () => raw.received.flatMap(({ messages }) => messages)
  await bench.until(() => heard().length === texts.length)
  expect(heard().map(({ data }) => new TextDecoder().decode(data))).toEqual(texts)
})
