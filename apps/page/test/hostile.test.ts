import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SAM } from '../../cli/src/demo/fleet/names.ts'
import { LyingRelay } from '../../../test/world/lying-relay.ts'
import { buildPage } from '../build/build-page.ts'
import { joinAsSam, type OpenedPage } from './opened-page.ts'
import { openRelayPair } from './relay-pair.ts'
import { PAGE_TEST_MS, useScene } from './scene.ts'

const SEED = 7
/** Of these the relay drops, holds back or forges about three in five. */
const MESSAGES = 40
const GAP_MS_MAX = 5_000

const scene = useScene(openRelayPair)

/** Puts a liar between a tab and its relay at this address. */
async function lieTo({ page }: OpenedPage, url: string, liar: LyingRelay): Promise<void> {
  await page.routeWebSocket(new RegExp(`^${url.replace('http', 'ws')}/`), (socket) => {
    const relay = socket.connectToServer()
    relay.onMessage((data) => {
      for (const bytes of liar.tell(Uint8Array.from(Buffer.from(data)))) {
        socket.send(Buffer.from(bytes))
      }
    })
  })
}

test(
  'what a relay drops or holds back shows as a gap within 5 s, and comes by the second relay',
  async () => {
    const pair = scene.place
    await buildPage(join(pair.folder, 'mesh'))
    const [first, second] = pair.places
    // The organisation's own origin: no relay has a word in what the page is.
    const url = `${pair.elsewhere.url}/mesh/`
    await using opened = await scene.openPage('about:blank')
    const { page } = opened
    const liar = new LyingRelay(SEED)
    await lieTo(opened, first!.url, liar)
    await page.goto(url)
    await joinAsSam(opened, pair)
    await pair.present([SAM])
    await pair.crew.publish('all is well')
    await page.waitForSelector('.notice:has-text("all is well")')
    // The honest relay goes away, and the other begins to lie.
    const honest = second!.node
    second!.node = undefined
    second!.breakAll()
    await page.waitForSelector('.relay-admitted >> nth=1', { state: 'detached' })
    liar.isLying = true
    for (let number = 0; number < MESSAGES; number++) {
      await pair.crew.publish(`message ${number}`)
      // One bundle each: what is said while another goes out would go with it.
      await page.evaluate(() => new Promise(requestAnimationFrame))
    }
    await page.waitForSelector('.notice-warned:has-text("missing")', { timeout: GAP_MS_MAX })
    await page.waitForSelector('.missing-count')
    await opened.picture('gap')
    expect(Math.min(liar.done.drop, liar.done.forge)).toBeGreaterThan(0)
    second!.node = honest
    await page.waitForSelector('.notice-done:has-text("came after all")')
    await page.waitForSelector('.missing-count', { state: 'detached' })
    await opened.picture('healed')
    expect(opened.problems).toEqual([])
  },
  PAGE_TEST_MS,
)
