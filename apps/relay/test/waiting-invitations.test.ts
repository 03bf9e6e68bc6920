import type { Agent } from '@ixj/agent'
import { formatInviterMessage, INVITATION_TYPE, type InviterMessage } from '@ixj/agent/invitations'
import { parsePattern } from '@ixj/names'
import { nodeSha256 } from '@ixj/node'
import { fromHex } from '@ixj/trust'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { World } from '../../../test/world/world.ts'
import { WaitingInvitations } from '../src/invitations/waiting-invitations.ts'
import {
  CLAIM_WAIT_MS,
  CLAIMS_PER_INVITATION_MAX,
  INVITATIONS_PER_INVITER_MAX,
  INVITER_WAIT_MS,
} from '../src/limits.ts'

const RELAY = 'relay1.acme.example'
const ID = '0123456789abcdef0123456789abcdef'
const CLAIM = Uint8Array.of(1, 2, 3)
const OTHER = Uint8Array.of(4, 5, 6)
const ANSWER = Uint8Array.of(7, 8, 9)
let world: World
let invitations: WaitingInvitations
let inviter: Agent
let another: Agent

/** A relay's node, and two whose names its rules let open invitations, over a virtual network. */
beforeEach(async () => {
  world = new World(1)
  const acme = world.organisation('acme.example')
  const relay = await world.node(acme, RELAY, {
    rules: [
      {
        id: 'inviters',
        effect: 'permit',
        sender: parsePattern('*.acme.example'),
        actions: ['request'],
        topic: parsePattern(RELAY),
      },
    ],
  })
  const one = await world.node(acme, 'one.acme.example')
  const two = await world.node(acme, 'two.acme.example')
  await world.connect(RELAY, 'one.acme.example', 'two.acme.example')
  invitations = new WaitingInvitations(world.clock)
  inviter = one.host.self
  another = two.host.self
  const serve = async () => {
    for await (const request of relay.host.self.requests()) void invitations.handle(request)
  }
  void serve()
})
afterEach(async () => {
  invitations[Symbol.dispose]()
  await world.close()
})

async function ask(message: InviterMessage, by = inviter) {
  const body = formatInviterMessage(message)
  const options = { contentType: INVITATION_TYPE, lifespanMs: 25_000 }
  return (await by.request(RELAY, body, options)).body
}

const soon = () => world.clock.now() + 60_000
const open = (id = ID, by = inviter) =>
  world.until(ask({ kind: 'open', id: fromHex(id), notAfter: soon() }, by))
const wait = () => ask({ kind: 'wait', id: fromHex(ID), notAfter: soon() })
const answer = (claim: Uint8Array) =>
  ask({ kind: 'answer', id: fromHex(ID), claimDigest: nodeSha256(claim), bytes: ANSWER })

test('a claim reaches the inviter that waits, and its answer the page', async () => {
  await open()
  const waiting = wait()
  await world.pass(100)
  const claimed = invitations.claim(ID, CLAIM)
  expect(await world.until(waiting)).toEqual(CLAIM)
  await world.until(answer(CLAIM))
  expect(await claimed).toEqual({ kind: 'answered', bytes: ANSWER })
})

test('a claim that comes first waits for the inviter to ask', async () => {
  await open()
  const claimed = invitations.claim(ID, CLAIM)
  await world.pass(1_000)
  expect(await world.until(wait())).toEqual(CLAIM)
  await world.until(answer(CLAIM))
  expect(await claimed).toMatchObject({ kind: 'answered' })
})

test('an inviter that waits is told of nothing after a while, and waits again', async () => {
  await open()
  const before = world.clock.now()
  expect(await world.until(wait())).toBe(null)
  expect(world.clock.now() - before).toBeGreaterThanOrEqual(INVITER_WAIT_MS)
})

test('a claim that nobody answers in time is told so, and its late answer is kept', async () => {
  await open()
  const claimed = invitations.claim(ID, CLAIM)
  expect(await world.until(wait())).toEqual(CLAIM)
  await world.pass(CLAIM_WAIT_MS)
  expect(await claimed).toEqual({ kind: 'unanswered' })
  await world.until(answer(CLAIM))
  expect(await invitations.claim(ID, CLAIM)).toEqual({ kind: 'answered', bytes: ANSWER })
})

test('the same claim at the same time is one; others come after it', async () => {
  await open()
  const [first, again] = [invitations.claim(ID, CLAIM), invitations.claim(ID, CLAIM)]
  const other = invitations.claim(ID, OTHER)
  expect(await world.until(wait())).toEqual(CLAIM)
  await world.until(answer(CLAIM))
  expect(await first).toEqual(await again)
  expect(await world.until(wait())).toEqual(OTHER)
  await world.until(answer(OTHER))
  expect(await other).toMatchObject({ kind: 'answered' })
})

test('so many claims wait at once, and as many as come one after the other are passed on', async () => {
  await open()
  const waiting = Array.from({ length: CLAIMS_PER_INVITATION_MAX }, (_, count) =>
    invitations.claim(ID, Uint8Array.of(count)),
  )
  expect(await invitations.claim(ID, CLAIM)).toEqual({ kind: 'busy' })
  for (const [count, claimed] of waiting.entries()) {
    await world.until(wait())
    await world.until(answer(Uint8Array.of(count)))
    expect(await claimed).toMatchObject({ kind: 'answered' })
  }
  const claimed = invitations.claim(ID, CLAIM)
  await world.until(wait())
  await world.until(answer(CLAIM))
  expect(await claimed).toMatchObject({ kind: 'answered' })
})

test('an invitation that was used and closed gives its answer once more, and others nothing', async () => {
  await open()
  const claimed = invitations.claim(ID, CLAIM)
  await world.until(wait())
  await world.until(answer(CLAIM))
  await claimed
  const late = invitations.claim(ID, OTHER)
  await world.until(ask({ kind: 'close', id: fromHex(ID) }))
  expect(await late).toEqual({ kind: 'absent' })
  expect(await invitations.claim(ID, CLAIM)).toEqual({ kind: 'answered', bytes: ANSWER })
  expect(await invitations.claim(ID, Uint8Array.of(9))).toEqual({ kind: 'absent' })
  await expect(world.until(wait())).rejects.toMatchObject({ remoteCode: 'absent' })
  await world.pass(61_000)
  expect(await invitations.claim(ID, CLAIM)).toEqual({ kind: 'absent' })
  expect(invitations.size).toBe(0)
})

test('closed ones make room for new ones of their inviter', async () => {
  for (let count = 0; count < INVITATIONS_PER_INVITER_MAX; count++) {
    await open(count.toString(16).padStart(32, '0'))
  }
  const first = '0'.repeat(32)
  const claimed = invitations.claim(first, CLAIM)
  const id = fromHex(first)
  await world.until(ask({ kind: 'wait', id, notAfter: soon() }))
  const claimDigest = nodeSha256(CLAIM)
  await world.until(ask({ kind: 'answer', id, claimDigest, bytes: ANSWER }))
  await claimed
  await world.until(ask({ kind: 'close', id }))
  await open()
  expect(invitations.size).toBe(INVITATIONS_PER_INVITER_MAX)
})

test('whose invitation it is, nobody else closes, answers or waits for', async () => {
  await open()
  const id = fromHex(ID)
  for (const message of [
    { kind: 'open', id, notAfter: soon() },
    { kind: 'wait', id, notAfter: soon() },
    { kind: 'answer', id, claimDigest: nodeSha256(CLAIM), bytes: ANSWER },
    { kind: 'close', id },
  ] as const) {
    const refused = world.until(ask(message, another))
    await expect(refused).rejects.toMatchObject({ code: 'refused', remoteCode: 'taken' })
  }
  await world.until(ask({ kind: 'close', id }))
  expect(await invitations.claim(ID, CLAIM)).toEqual({ kind: 'absent' })
})

test('an inviter has its share of them, and another one its own', async () => {
  for (let count = 0; count < INVITATIONS_PER_INVITER_MAX; count++) {
    await open(count.toString(16).padStart(32, '0'))
  }
  await expect(open()).rejects.toMatchObject({ remoteCode: 'table-full' })
  await open(ID, another)
})

test('what is no invitation is refused', async () => {
  const id = fromHex(ID)
  const ended = ask({ kind: 'open', id, notAfter: world.clock.now() - 1 })
  await expect(world.until(ended)).rejects.toMatchObject({ remoteCode: 'form' })
  const long = ask({ kind: 'open', id, notAfter: world.clock.now() + 25 * 3_600_000 })
  await expect(world.until(long)).rejects.toMatchObject({ remoteCode: 'form' })
  const lost = ask({ kind: 'answer', id, claimDigest: nodeSha256(CLAIM), bytes: ANSWER })
  await expect(world.until(lost)).rejects.toMatchObject({ remoteCode: 'absent' })
  const odd = inviter.request(RELAY, ['open', 1], { contentType: INVITATION_TYPE })
  await expect(world.until(odd)).rejects.toMatchObject({ remoteCode: 'form' })
  const other = inviter.request(RELAY, 'hello')
  await expect(world.until(other)).rejects.toMatchObject({ remoteCode: 'unsupported' })
})
