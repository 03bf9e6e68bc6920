import { MESSAGE_BYTES_MAX } from '@ixj/agent'
import { RPC } from '@libp2p/gossipsub/message'
import { describe, expect, test } from 'vitest'
import { filterInbound } from '../src/mesh/inbound-rpc.ts'
import { frameOfMessage } from '../src/mesh/message-frame.ts'
import { filterOutbound, splitRpc } from '../src/mesh/outbound-rpc.ts'
import { Rights } from '../src/mesh/rights.ts'
import { frameOf } from './mesh-attackers.ts'
import { bytesOf, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'

describe('filterInbound()', () => {
  const rpc: RPC = {
    subscriptions: [{ topic: wire(crew), subscribe: true }],
    messages: [{ topic: wire(crew), data: bytesOf('hello') }],
    control: {
      ihave: [{ topicID: wire(crew), messageIDs: [] }],
      iwant: [{ messageIDs: [] }],
      graft: [{ topicID: wire(crew) }],
      prune: [{ topicID: wire(crew), peers: [] }],
      idontwant: [{ messageIDs: [] }],
    },
  }

  function filter(rights: Rights, joined: boolean): RPC {
    return filterInbound(rpc, rights, {
      refuse: () => undefined,
      isJoined: () => joined,
      held: () => undefined,
      invalid: () => undefined,
    })
  }

  test('passes all to and from a member', () => {
    const member = new Rights()
    member.allowed.add(crew)
    member.announced.add(crew)
    expect(filter(member, true)).toEqual(rpc)
  })

  test('passes SUBSCRIBE and GRAFT only with the right to receive', () => {
    const sender = new Rights()
    sender.announced.add(crew)
    expect(filter(sender, true)).toEqual({
      ...rpc,
      subscriptions: [],
      control: { ...rpc.control, graft: [] },
    })
    expect([...sender.held]).toEqual([crew])
  })

  test('passes nothing that names a topic to a peer without rights, but messages', () => {
    const { iwant, idontwant } = rpc.control ?? {}
    expect(filter(new Rights(), true)).toEqual({
      subscriptions: [],
      messages: rpc.messages,
      control: { ihave: [], iwant, graft: [], prune: [], idontwant },
    })
    expect(filter(new Rights(), false).messages).toEqual([])
  })
})

describe('splitRpc() and filterOutbound()', () => {
  const none = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] }
  const ids = (count: number): Uint8Array[] =>
    Array.from({ length: count }, () => new Uint8Array(32))

  test('splits what a neighbour would throw away whole', () => {
    const rpc: RPC = {
      subscriptions: Array.from({ length: 300 }, (_, index) => ({
        topic: wire(`t${index}.example`),
        subscribe: true,
      })),
      messages: Array.from({ length: 3 }, () => ({
        topic: wire(crew),
        data: new Uint8Array(MESSAGE_BYTES_MAX),
      })),
      control: {
        ihave: [{ topicID: wire(crew), messageIDs: ids(1_000) }],
        iwant: [{ messageIDs: ids(5_000) }],
        graft: Array.from({ length: 65 }, () => ({ topicID: wire(crew) })),
        prune: Array.from({ length: 64 }, () => ({ topicID: wire(crew), peers: [] })),
        idontwant: [],
      },
    }
    const parts = splitRpc(rpc)
    expect(parts.map(({ subscriptions }) => subscriptions.length).filter((n) => n > 0)).toEqual([
      128, 128, 44,
    ])
    expect(parts.filter(({ messages }) => messages.length === 1)).toHaveLength(3)
    const counts = (kind: 'ihave' | 'iwant'): number[] =>
      parts.flatMap(({ control }) =>
        (control?.[kind] ?? []).map((entry) => entry.messageIDs.length),
      )
    expect(counts('ihave')).toEqual([512, 488])
    expect(counts('iwant')).toEqual([...Array.from({ length: 9 }, () => 512), 392])
    const grafts = parts.map(({ control }) => control?.graft.length ?? 0).filter((n) => n > 0)
    expect(grafts).toEqual([64, 1])
    expect(parts.filter(({ control }) => control?.prune.length === 64)).toHaveLength(1)
  })

  test('gives a peer without rights nothing that names a topic', () => {
    const rpc: RPC = {
      subscriptions: [
        { topic: wire(crew), subscribe: true },
        { topic: wire(crew), subscribe: false },
      ],
      messages: [{ topic: wire(crew), data: bytesOf('secret') }],
      control: {
        ...none,
        ihave: [{ topicID: wire(crew), messageIDs: ids(1) }],
        graft: [{ topicID: wire(crew) }],
        prune: [{ topicID: wire(crew), peers: [] }],
      },
    }
    expect(splitRpc(filterOutbound(rpc, new Rights()))).toEqual([])
    const announced = new Rights()
    announced.announced.add(crew)
    expect(filterOutbound(rpc, announced)).toEqual({
      subscriptions: rpc.subscriptions,
      messages: [],
      control: { ...none, prune: rpc.control?.prune },
    })
    const member = new Rights()
    member.announced.add(crew)
    member.allowed.add(crew)
    expect(filterOutbound(rpc, member)).toEqual(rpc)
  })
})

describe('frameOfMessage()', () => {
  test.each([0, 1, 127, 128, 4_096, 60_000, MESSAGE_BYTES_MAX])(
    'is what gossipsub writes of a message of %i bytes, and holds its data itself',
    (bytes) => {
      const message = { topic: wire(crew), data: new Uint8Array(bytes).fill(7) }
      const rpc = RPC.encode({ subscriptions: [], messages: [message] })
      const pieces = frameOfMessage(message)
      expect(Buffer.concat(pieces).equals(frameOf(rpc))).toBe(true)
      expect(pieces).toContain(message.data)
    },
  )
})
