import { expect, test } from 'vitest'
import { ManualClock } from '../../src/manual-clock.ts'
import { type MemoryNode, openMemoryNetwork } from '../../src/memory-transport.ts'
import {
  MESSAGE_BYTES_MAX,
  PENDING_VERDICT_BYTES_MAX,
  type Receiver,
  type Verdict,
} from '../../src/transport.ts'

const topic = 'crew.acme.example'

/** Decides as it is told, and remembers who brought what. */
class Judge implements Receiver {
  readonly heard: string[] = []
  verdict: Promise<Verdict> = Promise.resolve('accept')

  connected(): void {}
  disconnected(): void {}
  channel(): void {
    throw new Error('No test here opens a channel')
  }
  subscriptionChanged(): void {}
  subscriptionHeld(): void {}

  message(_topic: string, bytes: Uint8Array, from: string): Promise<Verdict> {
    this.heard.push(`${bytes[0]} from ${from}`)
    return this.verdict
  }
}

/** Nodes around one in the middle, which all share the topic with it. */
async function openStar(...labels: readonly string[]) {
  const clock = new ManualClock()
  const network = openMemoryNetwork({ clock, random: () => 0.5 })
  const judge = new Judge()
  const middle = network.open('middle')
  middle.attach(judge)
  const nodes = labels.map((label) => {
    const node = network.open(label)
    node.attach(new Judge())
    return node
  })
  for (const node of nodes) network.connect(node.peer, 'middle')
  await clock.advance(20)
  for (const node of nodes) {
    for (const [at, other] of [[node, middle] as const, [middle, node] as const]) {
      at.admit(other.peer)
      at.allow(other.peer, topic)
      await at.subscribe(topic)
    }
  }
  await clock.advance(20)
  return { clock, judge, middle, nodes: nodes as [MemoryNode, MemoryNode] }
}

test('what one neighbour brought in vain, another brings still', async () => {
  const { clock, judge, middle, nodes } = await openStar('flooder', 'honest')
  const [flooder, honest] = nodes
  const undecided = Promise.withResolvers<Verdict>()
  judge.verdict = undecided.promise
  // As many as may wait for their verdicts, and then one more.
  const most = Math.floor(PENDING_VERDICT_BYTES_MAX / MESSAGE_BYTES_MAX)
  for (let count = 0; count <= most; count++) {
    flooder.push('middle', topic, new Uint8Array(MESSAGE_BYTES_MAX).fill(count))
    await clock.advance(20)
  }
  expect(middle.counts.shed).toBe(1)
  expect(judge.heard).toHaveLength(most)
  honest.push('middle', topic, new Uint8Array(MESSAGE_BYTES_MAX).fill(most))
  await clock.advance(20)
  expect(judge.heard.at(-1)).toBe(`${most} from honest`)
  undecided.resolve('ignore')
})

test('publish() does not keep the bytes that it is given', async () => {
  const { clock, judge, nodes } = await openStar('sender')
  const bytes = Uint8Array.of(1)
  await nodes[0].publish(topic, bytes)
  bytes[0] = 2
  await clock.advance(20)
  expect(judge.heard).toEqual(['1 from sender'])
})

test('a neighbour that has gone is no subscriber any more', async () => {
  const { clock, middle, nodes } = await openStar('leaver', 'other')
  expect(middle.subscribers(topic)).toEqual(['leaver', 'other'])
  await nodes[0].disconnect('middle')
  await clock.advance(20)
  expect(middle.subscribers(topic)).toEqual(['other'])
})
