import { explanationOf } from '../../src/explanation-of.ts'
import { toHex } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { grantsOf } from '../../src/host/identity.ts'
import { name } from '../../../../test/world/world.ts'
import { bodies, outcomeOf, toInbox, Town } from '../town.ts'

const B = name('b.acme.example')

describe('send()', () => {
  it('delivers every kind of value as it was', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const inbox = (await town.agent('b', 2)).messages()
    const body = { text: 'ä', list: [1, -2, 1.5, null, true], bytes: Uint8Array.of(1, 2) }
    expect((await town.world.until(a.send(B, body, { contentType: 'x/y' }))).peers).toBe(1)
    await town.world.pass(50)
    expect(inbox.drain()).toMatchObject([
      { body, contentType: 'x/y', sender: 'a.acme.example', class: 'event', gap: 0, late: false },
    ])
  })

  it('is unreachable when no host is found within the lifespan, and not sooner', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1)
    const sent = outcomeOf(a.send(B, 'x', { lifespanMs: 3_000 }))
    await town.world.pass(2_990)
    expect(sent).toEqual({})
    await town.world.pass(20)
    expect(sent.code).toBe('unreachable')
  })

  it('reaches a host that comes within the lifespan', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const sent = outcomeOf(a.send(B, 'x', { lifespanMs: 3_000 }))
    await town.world.pass(1_000)
    const inbox = (await town.agent('b', 2)).messages()
    await town.world.pass(200)
    expect(sent.value?.peers).toBe(1)
    expect(bodies(inbox)).toEqual(['x'])
  })

  it('does not wait behind another that waits longer for its host', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1)
    const long = outcomeOf(a.send(B, 'long', { lifespanMs: 20_000 }))
    const short = outcomeOf(a.send(B, 'short', { lifespanMs: 1_000 }))
    await town.world.pass(1_100)
    expect(short.code).toBe('unreachable')
    expect(long).toEqual({})
  })

  it('keeps the order of messages that waited for their host', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const sent = [1, 2, 3].map((body) => outcomeOf(a.send(B, body, { lifespanMs: 5_000 })))
    await town.world.pass(1_000)
    const inbox = (await town.agent('b', 2)).messages()
    await town.world.pass(200)
    expect(bodies(inbox)).toEqual([1, 2, 3])
    expect(sent.map((each) => each.value?.peers)).toEqual([1, 1, 1])
  })

  it('sends nothing when its signal is aborted before', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const inbox = (await town.agent('b', 2)).messages()
    const signal = AbortSignal.abort(new Error('too late'))
    await expect(a.send(B, 'x', { signal })).rejects.toThrow('too late')
    await expect(a.send(name('c.acme.example'), 'x', { signal })).rejects.toThrow('too late')
    await town.world.pass(1_000)
    expect(bodies(inbox)).toEqual([])
  })

  it('ends the wait when its signal is aborted', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1)
    const stop = new AbortController()
    const sent = outcomeOf(a.send(B, 'x', { signal: stop.signal }))
    await town.world.pass(100)
    stop.abort(new Error('enough'))
    await town.world.pass(1)
    expect(sent.cause).toMatchObject({ message: 'enough' })
  })

  it.each([
    [{ class: 'task', lifespanMs: 3_600_001 }, 'argument'],
    [{ lifespanMs: 0 }, 'argument'],
    [{ lifespanMs: 600_001 }, 'argument'],
    [{ class: 'state', lifespanMs: 10_001 }, 'argument'],
    [{ lifespanMs: 1.5 }, 'argument'],
    [{ priority: 4 }, 'argument'],
    [{ under: new Uint8Array(32) }, 'missing-statement'],
  ] as const)('refuses %o as %s', async (options, code) => {
    await using town = await Town.open(1)
    const a = await town.agent('a', 1)
    await expect(a.send(B, 'x', options)).rejects.toMatchObject({ code })
  })

  it('refuses a body that does not fit into a bundle, and takes the largest that does', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const inbox = (await town.agent('b', 2)).messages()
    await expect(a.send(B, new Uint8Array(60 * 1024))).rejects.toMatchObject({ code: 'too-large' })
    // Messages of 61,440 bytes: 48 of sealing, 88 of the message, 3 of the body’s own length.
    const most = 60 * 1024 - 48 - 88 - 3
    await expect(a.send(B, new Uint8Array(most + 1))).rejects.toMatchObject({ code: 'too-large' })
    await town.world.until(a.send(B, new Uint8Array(most)))
    await town.world.pass(50)
    expect(inbox.size).toBe(1)
  })

  it('is closed with its agent, and closing does not wait for hosts that never come', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1)
    const waiting = outcomeOf(a.send(B, 'x'))
    const closing = outcomeOf(a[Symbol.asyncDispose]().then(() => 'closed'))
    await town.world.pass(2_000)
    expect(closing.value).toBe('closed')
    expect(waiting.code).toBe('closed')
    await expect(a.send(B, 'x')).rejects.toMatchObject({ code: 'closed' })
    await a[Symbol.asyncDispose]()
  })
})

describe('authority of a message', () => {
  const twice = { grants: [toInbox(B), toInbox('*.acme.example')] }

  it('is ambiguous when several grants fit and none is named: the error lists them', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, twice)
    const ids = grantsOf(a.identity).map(({ idText }) => idText)
    const failed: unknown = await a.send(B, 'x').catch((cause: unknown) => cause)
    expect(failed).toMatchObject({ code: 'ambiguous-authority' })
    for (const id of ids) expect(String(failed)).toContain(id)
  })

  it('is the one grant that `under` names', async () => {
    await using town = await Town.open(2)
    const a = await town.agent('a', 1, twice)
    const inbox = (await town.agent('b', 2)).messages()
    const [, second] = a.grants
    await town.world.until(a.send(B, 'x', { under: second!.id }))
    await town.world.pass(50)
    const [message] = inbox.drain()
    expect(message?.onBehalfOf).toBe('acme.example')
    expect(toHex(second!.id)).toBe(second!.idText)
    expect(explanationOf(message!).authority.state).toBe('yes')
  })

  it('tells for whom the sender acts', async () => {
    await using town = await Town.open(2)
    const boss = await town.agent('boss', 1, {
      uses: 'both',
      depth: 1,
      grants: [{ ...toInbox(B), mayDelegate: ['*.boss.acme.example'] }],
    })
    const w1 = await boss.spawn('w1', { lifetimeSeconds: 60, grants: [toInbox(B)] })
    const inbox = (await town.agent('b', 2)).messages()
    await town.world.until(w1.send(B, 'x'))
    await town.world.pass(50)
    expect(inbox.drain()).toMatchObject([
      { sender: 'w1.boss.acme.example', onBehalfOf: 'acme.example' },
    ])
  })
})

describe('agents of one node', () => {
  it('pass the same pipeline: the policy decides about a neighbour in the house too', async () => {
    await using town = await Town.open(1)
    const { host } = town.nodes[0]!
    const a = await town.agent('a', 1, { grants: [toInbox(B)] })
    const c = await town.agent('c', 1)
    const inbox = (await town.agent('b', 1)).messages()
    expect((await town.world.until(a.send(B, 'granted'))).peers).toBe(1)
    await town.world.until(c.send(B, 'not granted'))
    expect(bodies(inbox)).toEqual(['granted'])
    expect([host.counts.get('accepted'), host.counts.get('policy')]).toEqual([1, 1])
  })

  it('reach a sub-agent through its node’s inbox', async () => {
    await using town = await Town.open(2)
    const boss = await town.agent('boss', 1, { uses: 'both', depth: 1 })
    const w1 = await boss.spawn('w1', { lifetimeSeconds: 60 })
    const a = await town.agent('a', 2, { grants: [toInbox(w1.name)] })
    const inbox = w1.messages()
    await town.world.until(a.send(w1.name, 'hello'))
    await town.world.pass(50)
    expect(bodies(inbox)).toEqual(['hello'])
  })
})
