import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseName } from '@ixj/names'
import { expect, test } from 'vitest'
import { buildLibrary } from '../build/build-library.ts'
import { openRelayPair, type RelayPair } from './relay-pair.ts'
import { PAGE_TEST_MS, useScene } from './scene.ts'
import { TabAgent } from './tab-agent.ts'

const EMBED = new URL('../../../docs/embed.html', import.meta.url)
const SAM = parseName('sam.acme.example')

const scene = useScene(openRelayPair)

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

test(
  'the example page runs on any origin, and only the bytes of its hash do',
  async () => {
    const pair = scene.place
    await mkdir(join(pair.folder, 'library'))
    const { file, integrity } = await buildLibrary(join(pair.folder, 'library'))
    expect(file).toBe('ixj-0.1.0.js')
    await using opened = await scene.openPage(pair.elsewhere.url)
    const { page } = opened
    // Sam's key lies at the origin that embeds, as after an invitation that was accepted there.
    await TabAgent.open(pair, opened, { name: SAM })
    await writeEmbed(pair, 'embed.html', integrity)
    await page.goto(`${pair.elsewhere.url}/embed.html`)
    await page.waitForSelector('#said', { state: 'attached' })
    await pair.crew.publish('hello, page')
    await page.waitForSelector('#said li:has-text("hello, page")')
    await page.waitForSelector('#said li:has-text("speaker.acme.example")')
    // The relay that serves the library has put something else in its place.
    const path = join(pair.folder, 'library', file)
    await writeFile(path, `${await readFile(path, 'utf8')}\n;globalThis.isStolen = true`)
    const told = page.waitForEvent('console', (message) => /integrity/i.test(message.text()))
    await page.goto(`${pair.elsewhere.url}/embed.html`)
    await told
    expect(await page.evaluate('globalThis.isStolen ?? false')).toBe(false)
  },
  PAGE_TEST_MS,
)

test('the example page has thirty lines at most', async () => {
  expect((await readFile(EMBED, 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(30)
})
