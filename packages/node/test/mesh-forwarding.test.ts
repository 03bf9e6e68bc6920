import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { Forwarding } from '../src/mesh/forwarding.ts'
import { HaveDelay } from '../src/mesh/have-delay.ts'
import {
  FORWARD_MS_MAX,
  FORWARD_MS_MIN,
  HAVE_PER_SECOND_MAX,
  RPC_IDS_MAX,
} from '../src/mesh/limits.ts'
import { messageId } from '../src/mesh/wire-topic.ts'
import { besiege, messageOn, openGossip, type Raw, roundTripTo, sendRpc } from './mesh-attackers.ts'
import { bytesOf, MeshBench, type Victim, wire } from './mesh-bench.ts'

const crew = 'crew.acme.example'
/** Tries to say more than is heard, all within one heartbeat. */
const ROUNDS = 5
const none = { ihave: [], iwant: [], graft: [], prune: [] }

/** A peer that the victim forwards messages of the topic to. */
async function openMember(bench: MeshBench, victim: Victim) {
  const raw = await bench.raw()
  const connection = await raw.dial(victim.mesh.addresses)
  await bench.until(() => victim.told.connections.some(({ peer }) => peer === raw.peer))
  victim.mesh.admit(raw.peer)
  victim.mesh.allow(raw.peer, crew)
  const gossip = await openGossip(connection)
  sendRpc(gossip, {
    subscriptions: [{ topic: wire(crew), subscribe: true }],
    control: { ...none, graft: [{ topicID: wire(crew) }], idontwant: [] },
  })
  await bench.until(() => victim.mesh.subscribers(crew).includes(raw.peer))
  const says = (texts: readonly string[]): void => {
    const messageIDs = texts.map((text) => messageId(crew, bytesOf(text)))
    sendRpc(gossip, { control: { ...none, idontwant: [{ messageIDs }] } })
  }
  return { raw, says }
}

function textsOf({ received }: Raw): readonly string[] {
  const messages = received.flatMap((rpc) => rpc.messages)
  return messages.map(({ data }) => new TextDecoder().decode(data))
}

describe('what is forwarded', () => {
  test('a node forwards to the one that has not said that it has the message', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const [one, other] = [await openMember(bench, victim), await openMember(bench, victim)]
    sendRpc(gossip, messageOn(crew, 'news'))
    sendRpc(gossip, messageOn(crew, 'more'))
    await bench.until(() => victim.told.messages.length === 2)
    one.says(['news'])
    other.says(['more'])
    await roundTripTo(victim, one.raw)
    await roundTripTo(victim, other.raw)
    await bench.passOn()
    await bench.until(() => textsOf(one.raw).length > 0 && textsOf(other.raw).length > 0)
    await roundTripTo(victim, one.raw)
    await roundTripTo(victim, other.raw)
    expect(textsOf(one.raw)).toEqual(['more'])
    expect(textsOf(other.raw)).toEqual(['news'])
  })

  test('a node says what it has in one RPC, to all but the one that it has it from', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim)
    const texts = ['a', 'b', 'c']
    for (const text of texts) sendRpc(gossip, messageOn(crew, text))
    await bench.until(() => victim.told.messages.length === 3)
    await bench.passOn()
    const said = ({ received }: Raw) => received.flatMap(({ control }) => control?.idontwant ?? [])
    await bench.until(() => said(member.raw).length > 0)
    await roundTripTo(victim, raw)
    const ids = texts.map((text) => Buffer.from(messageId(crew, bytesOf(text))))
    expect(said(member.raw)).toHaveLength(1)
    expect(said(member.raw)[0]?.messageIDs.map((id) => Buffer.from(id))).toEqual(ids)
    expect(said(raw)).toEqual([])
  })

  test('who says that it has more than is heard in a second gets copies', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim)
    const texts = Array.from({ length: HAVE_PER_SECOND_MAX }, (_, index) => `junk ${index}`)
    // gossipsub's own heartbeat starts the count anew: it may fall into a round, but not into each.
    for (let round = 1; round <= ROUNDS && textsOf(member.raw).length === 0; round++) {
      for (let from = 0; from < texts.length; from += RPC_IDS_MAX) {
        member.says(texts.slice(from, from + RPC_IDS_MAX))
      }
      member.says([`copied ${round}`])
      await roundTripTo(victim, member.raw)
      sendRpc(gossip, messageOn(crew, `copied ${round}`))
      await bench.until(() => victim.told.messages.length === round)
      await bench.passOn()
      await roundTripTo(victim, member.raw)
    }
    expect(textsOf(member.raw)).toEqual([victim.told.texts().at(-1)])
  })
})

describe('how long a node waits before it forwards', () => {
  /** Messages that come, and of which a neighbour says so much later that it has them. */
  async function hear(lateMs: number, count: number, seed: string) {
    const clock = new ManualClock()
    const delay = new HaveDelay(clock)
    const say = async (late: number, prefix: string) => {
      for (let index = 0; index < count; index++) {
        const id = createHash('sha256').update(`${seed} ${prefix} ${index}`).digest()
        delay.came(id)
        await clock.advance(late)
        delay.said('neighbour', id)
      }
    }
    await say(lateMs, 'late')
    return { delay, say }
  }

  test('it waits the least time while neighbours say at once what they have', async () => {
    const { delay } = await hear(5, 1_000, 'prompt')
    expect(delay.ms).toBe(FORWARD_MS_MIN)
  })

  test('it waits longer where they say it late, and less when they are prompt again', async () => {
    const { delay, say } = await hear(60, 1_000, 'late')
    expect(delay.ms).toBeGreaterThanOrEqual(60)
    expect(delay.ms).toBeLessThan(FORWARD_MS_MAX)
    await say(5, 'prompt')
    expect(delay.ms).toBe(FORWARD_MS_MIN)
  })

  test('it never waits longer than the most, however late a neighbour says it', async () => {
    const { delay } = await hear(60_000, 1_000, 'hostile')
    expect(delay.ms).toBe(FORWARD_MS_MAX)
  })

  test('a neighbour that speaks of what never came changes nothing', () => {
    const delay = new HaveDelay(new ManualClock())
    for (let index = 0; index < 1_000; index++)
      delay.said('neighbour', new Uint8Array(32).fill(index))
    expect(delay.ms).toBe(FORWARD_MS_MIN)
  })

  test('two that say everything late, and again and again, hold up nobody beside three others', async () => {
    const clock = new ManualClock()
    const delay = new HaveDelay(clock)
    for (let index = 0; index < 1_000; index++) {
      const id = createHash('sha256').update(`hostile ${index}`).digest()
      delay.came(id)
      await clock.advance(5)
      for (const peer of ['a', 'b', 'c']) delay.said(peer, id)
      await clock.advance(FORWARD_MS_MAX)
      for (let again = 0; again < 8; again++) for (const peer of ['x', 'y']) delay.said(peer, id)
    }
    expect(delay.ms).toBe(FORWARD_MS_MIN)
  })

  test('a neighbour that has gone is waited for no longer', async () => {
    const { delay } = await hear(60_000, 1_000, 'gone')
    delay.gone('neighbour')
    expect(delay.ms).toBe(FORWARD_MS_MIN)
  })
})

test('what waits is forwarded when the clock has been set back meanwhile', async () => {
  const clock = new ManualClock({ now: 1_000_000 })
  const set = { back: 0 }
  // A timer runs by time that passes; what the system calls now may jump.
  const jumping = {
    now: () => clock.now() - set.back,
    at: (time: number, run: () => void) =>
      clock.at(clock.now() + time - (clock.now() - set.back), run),
  }
  const gossip = { opts: {}, mesh: new Map(), sendRpc: () => true, sendIDontWants: () => {} }
  const host = { clock: jumping, counts: {} }
  const forwarding = new Forwarding(
    host as unknown as ConstructorParameters<typeof Forwarding>[0],
    gossip as unknown as ConstructorParameters<typeof Forwarding>[1],
  )
  const passed: string[] = []
  forwarding.accepted(() => passed.push('before'))
  set.back = 60_000
  forwarding.accepted(() => passed.push('after'))
  await clock.advance(2 * FORWARD_MS_MAX)
  expect(passed).toEqual(['before', 'after'])
  forwarding.end()
})
