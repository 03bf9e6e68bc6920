import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openChromium } from './chromium.ts'
import { heardBy, listen, makeKey, publishFrom } from './listener.ts'
import { openPage } from './opened-page.ts'
import { CREW, openRelayPair } from './relay-pair.ts'

let browser: Browser

beforeAll(async () => {
  browser = await openChromium()
}, 30_000)

afterAll(() => browser?.close(), 30_000)

/** A tab that listens over both relays, loaded from one of them. */
async function openListener(
  pair: Awaited<ReturnType<typeof openRelayPair>>,
  from: number,
  name: string,
) {
  const opened = await openPage(browser, pair.places[from]!.url)
  const ticket = await pair.ticketFor(name, await makeKey(opened.page, name))
  await listen(opened.page, { name, ticket, topic: CREW })
  await expect.poll(async () => (await heardBy(opened.page)).relays, { timeout: 15_000 }).toBe(2)
  const isPresent = () => pair.crew.members().some((member) => member.name === name)
  await expect.poll(isPresent, { timeout: 15_000 }).toBe(true)
  return opened
}

test('a relay that is killed in mid-stream costs a page no message, and brings none twice', async () => {
  await using pair = await openRelayPair()
  await using opened = await openListener(pair, 1, 'sam.acme.example')
  const sent = Array.from({ length: 200 }, (_, number) => `message ${number}`)
  for (const [number, body] of sent.entries()) {
    if (number === 80) void pair.kill(0)
    await pair.crew.publish(body)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const count = async () => (await heardBy(opened.page)).bodies.length
  await expect.poll(count, { timeout: 20_000 }).toBe(sent.length)
  expect((await heardBy(opened.page)).bodies).toEqual(sent)
  expect(opened.problems).toEqual([])
}, 90_000)

test('two tabs over two relays hear each other, and one that was offline gets what it missed', async () => {
  await using pair = await openRelayPair()
  await using sam = await openListener(pair, 0, 'sam.acme.example')
  await using kim = await openListener(pair, 1, 'kim.acme.example')
  await publishFrom(sam.page, 'from sam')
  const bodies = async () => (await heardBy(kim.page)).bodies
  await expect.poll(bodies, { timeout: 15_000 }).toEqual(['from sam'])
  const nodes = pair.places.map((place) => place.node)
  for (const place of pair.places) {
    place.node = undefined
    place.breakAll()
  }
  await expect.poll(async () => (await heardBy(kim.page)).relays, { timeout: 15_000 }).toBe(0)
  await pair.crew.publish('while they were away')
  for (const [index, place] of pair.places.entries()) place.node = nodes[index]
  await expect.poll(bodies, { timeout: 40_000 }).toEqual(['from sam', 'while they were away'])
}, 120_000)

test('what a hostile relay forges is refused in the page, and the other relay brings the truth', async () => {
  await using pair = await openRelayPair()
  await using opened = await openListener(pair, 1, 'sam.acme.example')
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
  for (const body of sent) {
    await pair.crew.publish(body)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const bodies = async () => (await heardBy(opened.page)).bodies
  await expect.poll(bodies, { timeout: 15_000 }).toEqual(sent)
  const { refused } = await heardBy(opened.page)
  expect(forged).toBeGreaterThan(0)
  expect(refused).toContain('bad-signature')
}, 60_000)
