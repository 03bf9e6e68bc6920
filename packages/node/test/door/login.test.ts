import type { Identity } from '@ixj/agent'
import {
  answerChallenge,
  type Challenge,
  encodeSocketFrame,
  relayPeer,
  takeLogin,
} from '@ixj/agent/relay'
import { SKEW_MS } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fleet } from '../../../../test/world/fleet.ts'
import { loginOf, RawPage } from '../../../../test/world/raw-page.ts'
import { TownPage, TownRelay } from '../../../../test/world/relay-town.ts'
import { generateNodeKey, nodeRandom } from '../../src/node-keys.ts'

const ORIGIN = 'https://acme.example'
const fleet = new Fleet({ seed: 7, now: Date.now() })
let relay: TownRelay
let page: Identity
beforeEach(async () => {
  relay = await TownRelay.open(fleet, 0, {
    origins: [ORIGIN, 'none'],
    limits: { loginMs: 1_000 },
  })
  page = await fleet.node(1)
})
afterEach(() => relay[Symbol.asyncDispose]())

/** Sends a login made by `make` from what the door challenged with; how the socket ended. */
async function outcome(
  make: (raw: RawPage) => Promise<Uint8Array>,
  origin = ORIGIN,
): Promise<{ readonly code: number; readonly reason: string }> {
  const raw = new RawPage(relay.address.url, { origin })
  raw.socket.send(await make(raw))
  return await raw.ended()
}

/** An honest login, but for the changes. */
async function loginTo(
  raw: RawPage,
  changes: { readonly origin?: string; readonly aheadMs?: number } = {},
): Promise<Uint8Array> {
  const to = { relay: relay.host.name, origin: changes.origin ?? ORIGIN }
  const identity = loginOf(page, changes.aheadMs)
  return (await answerChallenge(await raw.challenge(), to, identity)).bytes
}

describe('the door', () => {
  it('lets a page log in, and proves its own key to it', async () => {
    const raw = new RawPage(relay.address.url, { origin: ORIGIN })
    const to = { relay: relay.host.name, origin: ORIGIN }
    const login = await answerChallenge(await raw.challenge(), to, loginOf(page))
    raw.socket.send(login.bytes)
    const answered = await login.finish(await raw.next())
    expect(answered).toEqual({
      peer: relay.door.transport.peer,
      name: relay.host.name,
      key: (await fleet.node(0)).signer.publicKey,
    })
    expect(relay.door.counts.logins).toBe(1)
    raw.socket.terminate()
  })

  it('cuts a login that was heard on another socket', async () => {
    const first = new RawPage(relay.address.url, { origin: ORIGIN })
    const heard = await loginTo(first)
    first.socket.terminate()
    const ended = await outcome(async (raw) => {
      await raw.challenge()
      return heard
    })
    expect(ended).toEqual({ code: 4401, reason: 'the login does not hold: nonce' })
  })

  it('cuts a login that was signed at another origin', async () => {
    const ended = await outcome((raw) => loginTo(raw, { origin: 'https://globex.example' }))
    expect(ended).toEqual({ code: 4401, reason: 'the login does not hold: origin' })
  })

  it('cuts a login for another relay', async () => {
    const ended = await outcome(async (raw) => {
      const other = (await fleet.node(2)).name
      const challenge = { ...(await raw.challenge()), relay: other }
      return (await answerChallenge(challenge, { relay: other, origin: ORIGIN }, loginOf(page)))
        .bytes
    })
    expect(ended).toEqual({ code: 4401, reason: 'the login does not hold: relay' })
  })

  it('cuts a login whose time is off by more than the skew, either way', async () => {
    for (const aheadMs of [SKEW_MS + 5_000, -SKEW_MS - 5_000]) {
      const ended = await outcome((raw) => loginTo(raw, { aheadMs }))
      expect(ended).toEqual({ code: 4401, reason: 'the login does not hold: time' })
    }
  })

  it('cuts a login that names the key of another', async () => {
    const other = await fleet.node(3)
    const ended = await outcome(async (raw) => {
      const signer = {
        publicKey: other.signer.publicKey,
        sign: (data: Uint8Array) => page.signer.sign(data),
      }
      const to = { relay: relay.host.name, origin: ORIGIN }
      return (await answerChallenge(await raw.challenge(), to, loginOf({ ...page, signer }))).bytes
    })
    expect(ended).toEqual({ code: 4401, reason: 'the login does not hold: signature' })
  })

  it('cuts a frame that comes in place of a login', async () => {
    const frame = encodeSocketFrame({ kind: 'subscribe', topic: 'crew.acme.example' })
    const ended = await outcome(async (raw) => {
      await raw.challenge()
      return frame
    })
    expect(ended.code).toBe(4401)
    expect(relay.door.transport.size).toBe(0)
  })

  it('cuts who says nothing, and who logs in and never says hello, after its time', async () => {
    const mute = new RawPage(relay.address.url, { origin: ORIGIN })
    const shy = new RawPage(relay.address.url, { origin: ORIGIN })
    shy.socket.send(await loginTo(shy))
    const why = { code: 4408, reason: 'login and hello took too long' }
    expect([await mute.ended(), await shy.ended()]).toEqual([why, why])
    expect(relay.door.counts).toMatchObject({ logins: 1, cuts: { 'not-admitted': 2 } })
  })

  it('refuses an origin that is not on its list, and a client of no subprotocol of ours', async () => {
    const foreign = new RawPage(relay.address.url, { origin: 'https://globex.example' })
    const other = new RawPage(relay.address.url, { origin: ORIGIN, subprotocols: ['chat'] })
    await Promise.all([foreign.ended(), other.ended()])
    expect([foreign.status, other.status]).toEqual([403, 400])
    expect(relay.door.counts).toMatchObject({ sockets: 0, refused: { origin: 1, subprotocol: 1 } })
  })

  it('ends the older socket of a key that logs in again', async () => {
    const pages = [1, 2].map(() => new RawPage(relay.address.url, { origin: ORIGIN }))
    for (const raw of pages) {
      raw.socket.send(await loginTo(raw))
      await raw.next()
    }
    expect((await pages[0]!.ended()).code).toBe(4409)
    expect(relay.door.transport.size).toBe(1)
    pages[1]!.socket.terminate()
  })
})

describe('a page', () => {
  it('logs in, says hello, and is a neighbour of its relay by its name', async () => {
    await using opened = await TownPage.open(fleet, 1, [relay.address])
    await opened.admitted(1, AbortSignal.timeout(5_000))
    expect(relay.host.neighbours).toEqual([page.name])
    expect(opened.host.neighbours).toEqual([relay.host.name])
  })

  it('does not log in at a relay of another name, and says why', async () => {
    const elsewhere = { ...relay.address, name: (await fleet.node(2)).name }
    await using opened = await TownPage.open(fleet, 1, [elsewhere])
    while (opened.transport.relays[0]!.failures === 0) {
      await new Promise<void>((done) => opened.transport.onChange(done))
    }
    expect(opened.transport.relays[0]).toMatchObject({
      lastEnd: `Cannot log in at ${elsewhere.name}: ${relay.host.name} answered`,
    })
    expect(relay.door.counts.logins).toBe(0)
  })

  it('admits nobody whose hello proves another key than the login did', async () => {
    // Anybody makes one: limits for each of them would be none.
    const login = generateNodeKey()
    await using opened = await TownPage.openAs(page, fleet, [relay.address], { login })
    const refused = relay.host.decisions({ signal: AbortSignal.timeout(5_000) })
    for await (const { code, about } of refused) {
      if (about !== 'hello') continue
      expect(code).toBe('hello')
      break
    }
    expect(relay.host.neighbours).toEqual([])
    expect(opened.host.neighbours).toEqual([])
  })

  it('is not logged in at by a page to which it said the peer of another relay', async () => {
    const [liar, other] = [loginOf(await fleet.node(3)), await fleet.node(2)]
    const challenge: Challenge = {
      nonce: nodeRandom(32),
      relay: liar.name,
      peer: relayPeer(other.signer.publicKey),
    }
    const to = { relay: liar.name, origin: ORIGIN }
    const login = await answerChallenge(challenge, to, loginOf(page))
    const { answer } = await takeLogin(login.bytes, { challenge, origin: ORIGIN }, liar)
    await expect(login.finish(answer)).rejects.toMatchObject({ code: 'peer' })
  })
})
