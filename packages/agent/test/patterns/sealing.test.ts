import type { Agent, Identity, Message } from '@ixj/agent'
import type { MemoryNode } from '@ixj/agent/memory'
import { parsePattern } from '@ixj/names'
import { concatBytes, sha256, utf8Bytes } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeBundle, partOf } from '../../../../test/world/made-bundle.ts'
import { plainSealer } from '../../../../test/world/reference/hpke.ts'
import { foreignAnchor, World, type WorldNodeOptions } from '../../../../test/world/world.ts'
import { sealingInfo } from '../../src/bundles/header.ts'
import { encodeMessages } from '../../src/bundles/message.ts'
import { carry, DESK, openScene } from '../scene.ts'

const SCOUT = 'scout.globex.example'
const SECRET = 'the combination is 4711'

let world: World
let acme: Identity
let globex: Identity
beforeEach(() => {
  world = new World(1)
  acme = world.organisation('acme.example')
  globex = world.organisation('globex.example')
})
afterEach(() => world.close())

const permitted = (topic: string) => ({
  id: 'those may write',
  effect: 'permit' as const,
  sender: parsePattern('**.globex.example'),
  actions: ['publish', 'request'] as const,
  topic: parsePattern(topic),
})

/** Everything that leaves a node, one byte after the other. */
function tapped(transport: MemoryNode): { readonly transport: MemoryNode; sent(): Uint8Array } {
  const sent: Uint8Array[] = []
  const publish: MemoryNode['publish'] = (topic, bytes) => {
    sent.push(bytes.slice())
    return transport.publish(topic, bytes)
  }
  const openChannel: MemoryNode['openChannel'] = async (...opening) => {
    const channel = await transport.openChannel(...opening)
    return {
      send: (frame) => {
        sent.push(frame.slice())
        return channel.send(frame)
      },
      frames: () => channel.frames(),
      close: () => channel.close(),
    }
  }
  const tap = new Proxy(transport, {
    get: (node, property) => {
      if (property === 'publish') return publish
      if (property === 'openChannel') return openChannel
      const value: unknown = Reflect.get(node, property, node)
      return typeof value === 'function' ? (value.bind(node) as unknown) : value
    },
  })
  return { transport: tap, sent: () => concatBytes(...sent) }
}

const shows = (bytes: Uint8Array, text: string) =>
  Buffer.from(bytes).includes(Buffer.from(utf8Bytes(text)))

interface Pair {
  readonly desk: Agent
  readonly scout: Agent
  /** The desk's next message. */
  next(): Promise<Message>
  sent(): Uint8Array
}

/** A desk of acme and a scout of globex, on a node of each. */
async function openPair(
  sealable: { readonly desk?: boolean; readonly scout?: boolean },
  options: WorldNodeOptions = {},
): Promise<Pair> {
  const at = await world.node(acme, 'n1.acme.example', {
    rules: [permitted(DESK)],
    anchors: [foreignAnchor(globex)],
  })
  const identity = await world.bind(globex, 'n1.globex.example')
  const tap = tapped(world.network.open('n1.globex.example'))
  const anchors = [foreignAnchor(acme)]
  const host = await world.host(globex, identity, tap.transport, { anchors, ...options })
  await world.connect('n1.acme.example', 'n1.globex.example')
  const desk = await at.host.openAgent(
    await world.bind(acme, DESK, { sealable: sealable.desk === true }),
  )
  const scout = await host.openAgent(
    await world.bind(globex, SCOUT, { sealable: sealable.scout === true }),
  )
  const inbox = desk.messages()
  return {
    desk,
    scout,
    sent: () => tap.sent(),
    next: async () => (await world.until(inbox.take())).value!,
  }
}

describe('send() to another organisation', () => {
  it('seals to a recipient that has an encryption key: nothing on the way shows the body', async () => {
    const pair = await openPair({ desk: true })
    await world.until(pair.scout.send(DESK, SECRET))
    expect(await pair.next()).toMatchObject({ body: SECRET, sealed: true, sender: SCOUT })
    expect(shows(pair.sent(), SCOUT)).toBe(true)
    expect(shows(pair.sent(), SECRET)).toBe(false)
  })

  it('is plain where the recipient has none, and says so', async () => {
    const pair = await openPair({})
    await world.until(pair.scout.send(DESK, SECRET))
    expect(await pair.next()).toMatchObject({ body: SECRET, sealed: false })
    expect(shows(pair.sent(), SECRET)).toBe(true)
  })

  it('is plain where that is asked for', async () => {
    const pair = await openPair({ desk: true })
    await world.until(pair.scout.send(DESK, SECRET, { seal: false }))
    expect((await pair.next()).sealed).toBe(false)
  })

  it('never leaves unsealed where sealing is asked for and cannot be done', async () => {
    const pair = await openPair({})
    const sending = pair.scout.send(DESK, SECRET, { seal: true })
    await expect(world.until(sending)).rejects.toMatchObject({ code: 'unsealable' })
    expect(shows(pair.sent(), SECRET)).toBe(false)
  })

  it('is unsealable on a node without a sealer, and plain by default', async () => {
    const pair = await openPair({ desk: true }, { sealer: null })
    const sending = pair.scout.send(DESK, SECRET, { seal: true })
    await expect(world.until(sending)).rejects.toMatchObject({ code: 'unsealable' })
    await world.until(pair.scout.send(DESK, SECRET))
    expect((await pair.next()).sealed).toBe(false)
  })

  it('seals the largest body too', async () => {
    const pair = await openPair({ desk: true })
    const body = new Uint8Array(61_000)
    await world.until(pair.scout.send(DESK, body))
    expect(await pair.next()).toMatchObject({ body, sealed: true })
  })
})

describe('request() of another organisation', () => {
  it('is sealed, and so is its answer', async () => {
    const pair = await openPair({ desk: true, scout: true })
    const serve = async () => {
      for await (const request of pair.desk.requests()) {
        expect(request.sealed).toBe(true)
        await request.reply('4712')
      }
    }
    void serve()
    const answer = await world.until(pair.scout.request(DESK, SECRET))
    expect(answer).toMatchObject({ body: '4712', sealed: true })
  })
})

describe('send() within an organisation', () => {
  it('is plain by default, and sealed where that is asked for', async () => {
    const [one] = [await world.node(acme, 'n1.acme.example')]
    const two = await world.node(acme, 'n2.acme.example')
    await world.connect('n1.acme.example', 'n2.acme.example')
    const desk = await one.host.openAgent(await world.bind(acme, DESK, { sealable: true }))
    const grants = [{ actions: ['publish'], topics: [DESK] }] as const
    const ann = await two.host.openAgent(await world.bind(acme, 'ann.acme.example', { grants }))
    const inbox = desk.messages()
    await world.until(ann.send(DESK, 'plain'))
    await world.until(ann.send(DESK, 'sealed', { seal: true }))
    const found = [await inbox.take(), await inbox.take()].map(({ value }) => value!)
    expect(found.map(({ body, sealed }) => [body, sealed])).toEqual([
      ['plain', false],
      ['sealed', true],
    ])
  })
})

describe('request() within an organisation', () => {
  it.each([true, false])('has its answer sealed where it was sealed itself: %s', async (seal) => {
    const one = await world.node(acme, 'n1.acme.example')
    const two = await world.node(acme, 'n2.acme.example')
    await world.connect('n1.acme.example', 'n2.acme.example')
    const desk = await one.host.openAgent(await world.bind(acme, DESK, { sealable: true }))
    const grants = [{ actions: ['request'], topics: [DESK] }] as const
    const ann = await two.host.openAgent(
      await world.bind(acme, 'ann.acme.example', { grants, sealable: true }),
    )
    void (async () => {
      for await (const request of desk.requests()) await request.reply(request.body)
    })()
    const answer = await world.until(ann.request(DESK, SECRET, { seal }))
    expect(answer).toMatchObject({ body: SECRET, sealed: seal })
  })
})

describe('a spawned agent', () => {
  it('can be sealed to where that was asked for at its birth', async () => {
    const node = await world.node(acme, 'n1.acme.example')
    const two = await world.node(acme, 'n2.acme.example')
    await world.connect('n1.acme.example', 'n2.acme.example')
    const desk = await node.host.openAgent(await world.bind(acme, DESK, { uses: 'both', depth: 1 }))
    const child = await desk.spawn('child', { lifetimeSeconds: 60, sealable: true })
    const grants = [{ actions: ['publish'], topics: [child.name] }] as const
    const ann = await two.host.openAgent(await world.bind(acme, 'ann.acme.example', { grants }))
    const inbox = child.messages()
    await world.until(ann.send(child.name, SECRET, { seal: true }))
    expect((await inbox.take()).value).toMatchObject({ body: SECRET, sealed: true })
  })
})

describe('a sealed body', () => {
  it.each([
    ['under its own header', {}, 'accepted'],
    ['under the header of another sender’s time', { sentAt: 1 }, 'body'],
    ['under another audience', { audience: [parsePattern('**.acme.example')] }, 'body'],
  ] as const)('carried %s: %s', async (_, moved, code) => {
    await using scene = await openScene({}, 7)
    const desk = await scene.node.host.openAgent(
      await scene.world.bind(scene.acme, 'vault.acme.example', { sealable: true }),
    )
    const key = desk.identity.opening!.publicKey
    const encryption = { recipient: sha256(key) }
    await scene.raw.reach('n1.acme.example', 'vault.acme.example')
    const under = desk.identity
    const plain = encodeMessages([partOf(scene.world, SECRET)])
    const draft = await makeBundle(scene.world, under, 'vault.acme.example', { encryption })
    const { digest: _digest, ...fields } = draft.bundle.header
    const info = sealingInfo({ ...fields, ...moved })
    const messagesBytes = await plainSealer(scene.world.bytes).seal(key, plain, info)
    const made = await makeBundle(scene.world, under, 'vault.acme.example', {
      encryption,
      messagesBytes,
    })
    expect(await carry(scene, made)).toMatchObject({ code, blame: 0 })
  })
})
