import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SAM } from '../../cli/src/demo/fleet/names.ts'
import { openChromium } from './chromium.ts'
import { type FleetTown, openFleetTown } from './fleet-town.ts'
import { joinAsSam, openPage } from './opened-page.ts'

let town: FleetTown
let browser: Browser

beforeAll(async () => {
  // One after the other: both take all of a small machine.
  town = await openFleetTown()
  browser = await openChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await town?.[Symbol.asyncDispose]()
}, 30_000)

test('a page makes its key, is admitted by two relays, and is the same when it is loaded again', async () => {
  await using opened = await openPage(browser, town.places[0]!.url)
  const { page, context } = opened
  await opened.picture('welcome')
  await joinAsSam(opened, town)
  expect(town.relays.map(({ neighbours }) => neighbours.includes(SAM))).toEqual([true, true])
  // A second tab with one key would sign two bundles for one place: it is refused.
  const second = await context.newPage()
  await second.goto(town.places[0]!.url)
  await second.waitForSelector('text=another tab or worker of this site has it open')
  await second.close()
  await page.reload()
  await page.waitForSelector('.relay-admitted >> nth=1')
  await opened.show('live')
  await page.waitForSelector('.branch-self')
  expect(opened.problems).toEqual([])
}, 60_000)

test('a page verifies its own log, and sees one flipped bit in a copy of it', async () => {
  await using opened = await openPage(browser, town.places[1]!.url)
  const { page } = opened
  await joinAsSam(opened, town)
  await opened.show('audit')
  await page.click('text=Verify all of it here')
  await page.waitForSelector('text=The log holds.')
  await page.click('text=Flip one bit of a copy')
  await page.waitForSelector('text=The changed copy does not hold.')
  await opened.picture('audit')
  expect(opened.problems).toEqual([])
}, 60_000)
