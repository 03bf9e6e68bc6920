import { createHash } from 'node:crypto'
import type { RPC } from '@libp2p/gossipsub/message'
import type { Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../agent/src/manual-clock.ts'
import { Forwarding } from '../src/mesh/forwarding.ts'
import { HaveDelay } from '../src/mesh/have-delay.ts'
import {
  ANEW_MS,
  COVERED_MAX,
  COVERED_MIN,
  FORWARD_MS_MAX,
  FORWARD_MS_MIN,
  HAVE_LATE_MS,
  HAVE_MS,
  HAVE_PER_SECOND_MAX,
  LARGE_BYTES,
  LARGE_FORWARD_MS_MIN,
  RPC_IDS_MAX,
} from '../src/mesh/limits.ts'
import { messageId } from '../src/mesh/wire-topic.ts'
import { besiege, messageOn, openMember, type Raw, roundTripTo, sendRpc } from './mesh-attackers.ts'
import { bytesOf, MeshBench, type Victim } from './mesh-bench.ts'

const crew = 'crew.acme.example'
/** Tries to say more than is heard, all within one heartbeat. */
const ROUNDS = 5
const none = { ihave: [], iwant: [], graft: [], prune: [] }

function textsOf({ received }: Raw): readonly string[] {
  const messages = received.flatMap((rpc) => rpc.messages)
  return messages.map(({ data }) => new TextDecoder().decode(data))
}

describe('what is forwarded', () => {
  /** Has a member learned of: it says that it has what the publisher gives, until that is taken for granted. */
  async function learn(
    { victim, publisher }: { readonly victim: Victim; readonly publisher: Stream },
    member: Awaited<ReturnType<typeof openMember>>,
    bench: MeshBench,
    what = 'lesson',
  ): Promise<void> {
    const known = victim.told.messages.length
    for (let round = 1; round <= COVERED_MIN; round++) {
      sendRpc(publisher, messageOn(crew, `${what} ${round}`))
      await bench.until(() => victim.told.messages.length === known + round)
      member.says([`${what} ${round}`])
      await roundTripTo(victim, member.raw)
    }
    await bench.until(() => textsOf(member.raw).length === COVERED_MIN)
    member.raw.received.length = 0
  }

  test('a node forwards at once to those of whom it has learned nothing', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
    sendRpc(gossip, messageOn(crew, 'news'))
    await bench.until(() => textsOf(member.raw).length > 0)
    expect(textsOf(member.raw)).toEqual(['news'])
  })

  test('a node forwards nothing to one that has said that it has it', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const [one, other] = [
      await openMember(bench, victim, crew),
      await openMember(bench, victim, crew),
    ]
    one.says(['news'])
    other.says(['more'])
    await roundTripTo(victim, one.raw)
    await roundTripTo(victim, other.raw)
    sendRpc(gossip, messageOn(crew, 'news'))
    sendRpc(gossip, messageOn(crew, 'more'))
    await bench.until(() => textsOf(one.raw).length > 0 && textsOf(other.raw).length > 0)
    await bench.passOn()
    await roundTripTo(victim, one.raw)
    await roundTripTo(victim, other.raw)
    expect(textsOf(one.raw)).toEqual(['more'])
    expect(textsOf(other.raw)).toEqual(['news'])
  })

  test('one that had what a neighbour brought gets later, and only, what it does not say it has', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
    await learn({ victim, publisher: gossip }, member, bench)
    const known = victim.told.messages.length
    sendRpc(gossip, messageOn(crew, 'news'))
    sendRpc(gossip, messageOn(crew, 'more'))
    await bench.until(() => victim.told.messages.length === known + 2)
    member.says(['more'])
    await roundTripTo(victim, member.raw)
    expect(textsOf(member.raw)).toEqual([])
    await bench.passOn()
    await bench.until(() => textsOf(member.raw).length > 0)
    await roundTripTo(victim, member.raw)
    expect(textsOf(member.raw)).toEqual(['news'])
  })

  test('one that says that nothing is to be taken for granted gets all at once, what was held back too', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
    await learn({ victim, publisher: gossip }, member, bench)
    sendRpc(gossip, messageOn(crew, 'held'))
    await bench.until(() => victim.told.messages.length === COVERED_MIN + 1)
    await roundTripTo(victim, member.raw)
    expect(textsOf(member.raw)).toEqual([])
    member.says([])
    await bench.until(() => textsOf(member.raw).length > 0)
    sendRpc(gossip, messageOn(crew, 'next'))
    await bench.until(() => textsOf(member.raw).length > 1)
    expect(textsOf(member.raw)).toEqual(['held', 'next'])
  })

  test('who says that again at once is not heard: it costs a look at all that is held back', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
    await learn({ victim, publisher: gossip }, member, bench)
    member.says([])
    await roundTripTo(victim, member.raw)
    await learn({ victim, publisher: gossip }, member, bench, 'again')
    const known = victim.told.messages.length
    sendRpc(gossip, messageOn(crew, 'held'))
    await bench.until(() => victim.told.messages.length === known + 1)
    member.says([])
    await roundTripTo(victim, member.raw)
    expect(textsOf(member.raw)).toEqual([])
    await bench.clock.advance(ANEW_MS / 2)
    member.says([])
    await bench.until(() => textsOf(member.raw).length > 0)
    expect(textsOf(member.raw)).toEqual(['held'])
  })

  test('a node that was brought things by one that has gone tells others, by a word without ids', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
    sendRpc(gossip, messageOn(crew, 'news'))
    await bench.until(() => textsOf(member.raw).length > 0)
    member.says(['news'])
    await victim.mesh.disconnect(raw.peer)
    await bench.until(() => victim.told.disconnections.length > 0)
    await bench.clock.advance(HAVE_MS)
    const said = () => member.raw.received.flatMap(({ control }) => control?.idontwant ?? [])
    await bench.until(() => said().length > 0)
    expect(said().map(({ messageIDs }) => messageIDs)).toEqual([[]])
  })

  test('what is large is held back from everybody, and what is small does not wait behind it', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
    const large = 'L'.repeat(LARGE_BYTES)
    const known = 'K'.repeat(LARGE_BYTES)
    for (const text of [large, known, 'news']) sendRpc(gossip, messageOn(crew, text))
    await bench.until(() => victim.told.messages.length === 3)
    member.says([known])
    await roundTripTo(victim, member.raw)
    await bench.until(() => textsOf(member.raw).length > 0)
    expect(textsOf(member.raw)).toEqual(['news'])
    await bench.clock.advance(LARGE_FORWARD_MS_MIN)
    await bench.until(() => textsOf(member.raw).length > 1)
    await roundTripTo(victim, member.raw)
    expect(textsOf(member.raw)).toEqual(['news', large])
  })

  test('what is large waits longer for the word of those that had what its source brought', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const [known, other] = [
      await openMember(bench, victim, crew),
      await openMember(bench, victim, crew),
    ]
    await learn({ victim, publisher: gossip }, known, bench)
    const [large, said] = ['L'.repeat(LARGE_BYTES), 'S'.repeat(LARGE_BYTES)]
    for (const text of [large, said]) sendRpc(gossip, messageOn(crew, text))
    await bench.until(() => victim.told.messages.length === COVERED_MIN + 2)
    const largeOf = ({ raw }: typeof known) => textsOf(raw).filter((text) => text.length > 100)
    await bench.clock.advance(LARGE_FORWARD_MS_MIN)
    await bench.until(() => largeOf(other).length === 2)
    await roundTripTo(victim, known.raw)
    expect(largeOf(known)).toEqual([])
    known.says([said])
    await roundTripTo(victim, known.raw)
    await bench.clock.advance(FORWARD_MS_MIN)
    await bench.until(() => largeOf(known).length > 0)
    await roundTripTo(victim, known.raw)
    expect(largeOf(known)).toEqual([large])
  })

  test('a node says what it has in one RPC, to all but the one that it has it from', async () => {
    await using bench = new MeshBench()
    const { victim, raw, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
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

  test('a node says soon what it has to one that brought a copy, and late to another', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const [one, other] = [
      await openMember(bench, victim, crew),
      await openMember(bench, victim, crew),
    ]
    sendRpc(gossip, messageOn(crew, 'news'))
    await bench.until(() => victim.told.messages.length === 1)
    one.brings('news')
    await roundTripTo(victim, one.raw)
    await bench.clock.advance(HAVE_MS)
    const said = ({ raw }: typeof one) =>
      raw.received.flatMap(({ control }) => control?.idontwant ?? [])
    await bench.until(() => said(one).length > 0)
    await roundTripTo(victim, other.raw)
    expect([said(one).length, said(other).length]).toEqual([1, 0])
    await bench.clock.advance(HAVE_LATE_MS)
    await bench.until(() => said(other).length > 0)
    expect([said(one).length, said(other).length]).toEqual([1, 1])
  })

  test('who says that it has more than is heard in a second gets copies', async () => {
    await using bench = new MeshBench()
    const { victim, gossip } = await besiege(bench, crew)
    const member = await openMember(bench, victim, crew)
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
  const bounds = { leastMs: FORWARD_MS_MIN, mostMs: FORWARD_MS_MAX }

  /** Messages that come, and of which a neighbour says so much later that it has them. */
  async function hear(lateMs: number, count: number, seed: string) {
    const clock = new ManualClock()
    const delay = new HaveDelay(clock, bounds)
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
    const { delay } = await hear(HAVE_MS / 2, 1_000, 'prompt')
    expect(delay.ms).toBe(FORWARD_MS_MIN)
  })

  test('it waits longer where they say it late, and less when they are prompt again', async () => {
    const lateMs = FORWARD_MS_MIN + HAVE_MS
    const { delay, say } = await hear(lateMs, 1_000, 'late')
    expect(delay.ms).toBeGreaterThanOrEqual(lateMs)
    expect(delay.ms).toBeLessThan(FORWARD_MS_MAX)
    await say(HAVE_MS / 2, 'prompt')
    expect(delay.ms).toBe(FORWARD_MS_MIN)
  })

  test('it never waits longer than the most, however late a neighbour says it', async () => {
    const { delay } = await hear(60_000, 1_000, 'hostile')
    expect(delay.ms).toBe(FORWARD_MS_MAX)
  })

  test('a neighbour that speaks of what never came changes nothing', () => {
    const delay = new HaveDelay(new ManualClock(), bounds)
    for (let index = 0; index < 1_000; index++)
      delay.said('neighbour', new Uint8Array(32).fill(index))
    expect(delay.ms).toBe(FORWARD_MS_MIN)
  })

  test('two that say everything late, and again and again, hold up nobody beside three others', async () => {
    const clock = new ManualClock()
    const delay = new HaveDelay(clock, bounds)
    for (let index = 0; index < 1_000; index++) {
      const id = createHash('sha256').update(`hostile ${index}`).digest()
      delay.came(id)
      await clock.advance(HAVE_MS / 2)
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
  const passed: unknown[] = []
  const gossip = {
    opts: {},
    mesh: new Map(),
    score: { duplicateMessage: () => {} },
    msgIdToStrFn: (id: Uint8Array) => Buffer.from(id).toString('hex'),
    sendRpc: (_peer: string, { messages }: { readonly messages: readonly unknown[] }) =>
      passed.push(...messages) > 0,
    sendIDontWants: (_id: Uint8Array, _wire: string, _source: string) => {},
    handleIHave: () => [],
    mcache: {},
    streamsOutbound: new Map(),
  }
  const host = { clock: jumping, counts: {} }
  const forwarding = new Forwarding(
    host as unknown as ConstructorParameters<typeof Forwarding>[0],
    gossip as unknown as ConstructorParameters<typeof Forwarding>[1],
  )
  /** A message comes, and gossipsub would forward it. */
  const come = (text: string, isSaid: boolean): void => {
    const id = bytesOf(text)
    gossip.sendIDontWants(id, 'topic', 'source')
    const rpc = { subscriptions: [], messages: [text] } as unknown as RPC
    forwarding.accepted(gossip.msgIdToStrFn(id), () => {
      if (!forwarding.holdsBack('peer', rpc)) passed.push(`${text} at once`)
    })
    if (isSaid) forwarding.heard('peer', { ...none, idontwant: [{ messageIDs: [id] }] })
  }
  for (let times = 0; times < COVERED_MAX; times++) come(`lesson ${times}`, true)
  passed.length = 0
  come('before', false)
  set.back = 60_000
  come('after', false)
  expect(passed).toEqual([])
  await clock.advance(2 * FORWARD_MS_MAX)
  expect(new Set(passed)).toEqual(new Set(['before', 'after']))
  forwarding.end()
})
