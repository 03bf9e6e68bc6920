import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildLibrary } from '../build/build-library.ts'
import { openChromium } from './chromium.ts'
import { listen, makeKey } from './listener.ts'
import { openPage } from './opened-page.ts'
import { CREW, openRelayPair, type RelayPair } from './relay-pair.ts'

const EMBED = new URL('../../../docs/embed.html', import.meta.url)
const SAM = 'sam.acme.example'

let browser: Browser

beforeAll(async () => {
  browser = await openChromium()
}, 30_000)

afterAll(() => browser?.close(), 30_000)

/** The page of docs/embed.html, with the places and the hash of this test. */
async function writeEmbed(pair: RelayPair, path: string, integrity: string): Promise<void> {
  const [first, second] = pair.places.map(({ url }) => url)
  const html = (await readFile(EMBED, 'utf8'))
    .replaceAll('https://relay1.acme.example/ixj-0.1.0.js', `${first}/library/ixj-0.1.0.js`)
    .replace('sha384-HASH', integrity)
    .replace(
      '`wss://${name}/ixj`',
      `({'relay1.acme.example':'${first}','relay2.acme.example':'${second}'})[name].replace('http','ws')`,
    )
  await writeFile(join(pair.folder, path), html)
}

/** Has the origin that embeds hold sam's key, as after an invitation that was accepted there. */
async function enrolElsewhere(page: Page, pair: RelayPair): Promise<void> {
  const ticket = await pair.ticketFor(SAM, await makeKey(page, SAM))
  await listen(page, { name: SAM, ticket, topic: CREW })
}

test('the example page runs on any origin, and only the bytes of its hash do', async () => {
  await using pair = await openRelayPair()
  await mkdir(join(pair.folder, 'library'))
  const { file, integrity } = await buildLibrary(join(pair.folder, 'library'))
  expect(file).toBe('ixj-0.1.0.js')
  await using opened = await openPage(browser, pair.elsewhere.url)
  const { page } = opened
  await enrolElsewhere(page, pair)
  await writeEmbed(pair, 'embed.html', integrity)
  await page.goto(`${pair.elsewhere.url}/embed.html`)
  const isPresent = () => pair.crew.members().some(({ name }) => name === SAM)
  await expect.poll(isPresent, { timeout: 20_000 }).toBe(true)
  await pair.crew.publish('hello, page')
  await page.waitForSelector('#said li:has-text("hello, page")', { timeout: 20_000 })
  await page.waitForSelector('#said li:has-text("speaker.acme.example")')
  // The relay that serves the library has put something else in its place.
  const path = join(pair.folder, 'library', file)
  await writeFile(path, `${await readFile(path, 'utf8')}\n;globalThis.isStolen = true`)
  await page.goto(`${pair.elsewhere.url}/embed.html`)
  await expect.poll(() => opened.problems.join()).toMatch(/integrity/i)
  expect(await page.evaluate('globalThis.isStolen ?? false')).toBe(false)
}, 90_000)

test('the example page has some thirty lines', async () => {
  expect((await readFile(EMBED, 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(32)
})
