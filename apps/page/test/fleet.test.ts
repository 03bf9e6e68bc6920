import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openChromium } from './chromium.ts'
import { type FleetTown, openFleetTown } from './fleet-town.ts'
import { joinAsSam, openPage } from './opened-page.ts'

const ROBOT = '.robot-list button'

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

test('a person in a page sees the fleet, stops a robot, lets the gate open, and revokes a robot', async () => {
  await using opened = await openPage(browser, town.places[0]!.url)
  const { page } = opened
  await opened.picture('welcome')
  await joinAsSam(opened, town)
  // N×N: six robots share where they are.
  await opened.show('fleet')
  await expect.poll(() => page.locator(ROBOT).count(), { timeout: 20_000 }).toBe(6)
  // 1×N and N×1: everybody is asked, and answers.
  await page.click('text=Roll-call')
  await page.waitForSelector('text=/[67] of 7 answered|6 of 6 answered/')
  // 1×1: one robot is told to stop, and stands.
  await page.click(`${ROBOT}:has-text("r3")`)
  await page.click('.robot-actions >> text=Stop')
  await page.waitForSelector('text=it stands')
  await page.waitForSelector('.robot-stopped')
  await page.click('.robot-actions >> text=Go on')
  await page.waitForSelector('text=it goes on')
  // An approval: what the dispatcher may do only with sam's word.
  await page.click('text=Approve once', { timeout: 30_000 })
  await page.waitForSelector('.gate-open', { timeout: 15_000 })
  await opened.picture('fleet')
  // Revoked, its word counts nowhere within five seconds.
  await page.click(`${ROBOT}:has-text("r6")`)
  await page.click('text=Revoke…')
  await page.click('text=Revoke its key for good')
  const isIgnored = () => town.nodes.every(({ counts }) => (counts.get('revoked') ?? 0) > 0)
  await expect.poll(isIgnored, { timeout: 5_000 }).toBe(true)
  // Relays ignore it as well, so it falls silent here, and is gone from the floor.
  await expect.poll(() => page.locator(ROBOT).count(), { timeout: 5_000 }).toBe(5)
  await opened.show('live')
  await page.waitForSelector('.branch:has-text("r6") >> .role-revoked')
  await opened.picture('live')
  await opened.show('explain')
  await page.click('.flow >> nth=0')
  await page.waitForSelector('.answer-yes >> nth=3')
  await opened.picture('explain')
  expect(opened.problems).toEqual([])
  expect(town.failures).toEqual([])
}, 120_000)
