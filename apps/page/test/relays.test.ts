import { parseName } from '@ixj/names'
import { expect, test } from 'vitest'
import { CREW, openRelayPair, type RelayPair } from './relay-pair.ts'
import { PAGE_TEST_MS, useBrowser } from './scene.ts'
import { TabAgent } from './tab-agent.ts'

const SAM = parseName('sam.acme.example')
const KIM = parseName('kim.acme.example')
/** Messages that are said before the page has heard the first of them. */
const AHEAD = 20

const scene = useBrowser()

/** An agent in a tab over both relays, whose page comes from one of them. */
async function openTab(pair: RelayPair, from: number, name = SAM): Promise<TabAgent> {
  return await TabAgent.open(pair, await scene.openPage(pair.places[from]!.url), { name })
}

test.each([
  ['the other relay', 0],
  ['the relay from which it came', 1],
])(
  '%s, killed in mid-stream, costs a page no message, and brings none twice',
  async (_which, killed) => {
    await using pair = await openRelayPair()
    await using sam = await openTab(pair, 1)
    const sent = Array.from({ length: 200 }, (_, number) => `message ${number}`)
    for (const [number, body] of sent.entries()) {
      if (number === 90) void pair.kill(killed)
      // A stream begins, for who joined after its sender, with what comes first.
      if (number === 1) await sam.heard(number)
      if (number % AHEAD === 0) await sam.heard(number - AHEAD)
      await pair.crew.publish(body)
    }
    expect((await sam.heard(sent.length)).bodies).toEqual(sent)
    expect(sam.opened.problems).toEqual([])
  },
  PAGE_TEST_MS,
)

test(
  'two tabs over two relays hear each other, and one that was offline gets what it missed',
  async () => {
    await using pair = await openRelayPair()
    await using sam = await openTab(pair, 0)
    await using kim = await openTab(pair, 1, KIM)
    await sam.publish('from sam')
    expect((await kim.heard(1)).bodies).toEqual(['from sam'])
    const nodes = pair.places.map((place) => place.node)
    for (const place of pair.places) {
      place.node = undefined
      place.breakAll()
    }
    await kim.relays(0)
    await pair.crew.publish('while they were away')
    for (const [index, place] of pair.places.entries()) place.node = nodes[index]
    expect((await kim.heard(2)).bodies).toEqual(['from sam', 'while they were away'])
  },
  PAGE_TEST_MS,
)

test(
  'what a hostile relay forges is refused in the page, and the other relay brings the truth',
  async () => {
    await using pair = await openRelayPair()
    await using sam = await openTab(pair, 1)
    const door = pair.relays[0]!.door!.transport
    const pass = door.publish.bind(door)
    let forged = 0
    door.publish = async (topic, bytes) => {
      if (topic !== CREW) return await pass(topic, bytes)
      const changed = bytes.slice()
      // The last byte of the signature stands before the end, where no tree is.
      changed[changed.length - 2]! ^= 1
      forged += 1
      return await pass(topic, changed)
    }
    const sent = Array.from({ length: 10 }, (_, number) => `message ${number}`)
    for (const [number, body] of sent.entries()) {
      await pair.crew.publish(body)
      // One bundle each: what is said while another goes out would go with it.
      expect((await sam.heard(number + 1)).bodies).toEqual(sent.slice(0, number + 1))
    }
    await sam.refused('bad-signature')
    expect(forged).toBeGreaterThan(0)
  },
  PAGE_TEST_MS,
)
