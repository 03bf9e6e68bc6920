import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Theft } from '../../cli/src/demo/fleet/theft-report.ts'
import { buildPage } from '../build/build-page.ts'
import { openChromium } from './chromium.ts'
import { openPage } from './opened-page.ts'
import { PAGE_TEST_MS } from './scene.ts'

const MAIN = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))

/** What the demonstration tells, one object a line. */
interface Told {
  readonly event: string
  readonly link?: string
}

/** What it tells of the thief. */
type ToldTheft = Told & Theft

async function* toldBy(child: ChildProcess): AsyncGenerator<Told> {
  for await (const line of createInterface({ input: child.stdout! })) {
    yield JSON.parse(line) as Told
  }
}

test(
  'ixj demo fleet prints a link by which one browser joins six robots, and revokes one for all',
  async () => {
    await using opening = new AsyncDisposableStack()
    const site = await mkdtemp(join(tmpdir(), 'ixj-site-'))
    opening.defer(() => rm(site, { recursive: true, force: true }))
    await buildPage(site)
    const words = ['demo', 'fleet', '--json', '--no-open', '--port', '0', '--page', site]
    const child = spawn(process.execPath, ['--conditions=ixj:src', MAIN, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    opening.defer(async () => {
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
    })
    const told = toldBy(child)
    const next = async (event: string) => {
      const { value } = (await told.next()) as { readonly value: Told | undefined }
      expect(value).toMatchObject({ event })
      return value
    }
    await next('ready')
    const link = (await next('link'))?.link
    if (link === undefined) throw new Error('The demonstration told no link')
    const browser = opening.use(await openChromium())
    await using opened = await openPage(browser, link)
    const { page } = opened
    await page.waitForSelector('text=You are invited')
    await opened.picture('invited')
    await page.click('text=Become sam.acme.example')
    await next('joined')
    await page.waitForSelector('.relay-admitted >> nth=1')
    expect(new URL(page.url()).hash).toBe('#live')
    await opened.show('fleet')
    await page.waitForSelector('.robot-list button >> nth=5')
    // A robot is revoked, and a thief goes on with a copy of its key, for as long as it likes.
    await page.click('.robot-list button:has-text("r6")')
    await page.click('text=Revoke…')
    await page.click('text=Revoke its key for good')
    const { tried, letIn, refusedBy } = (await next('theft')) as ToldTheft
    expect([tried > 5, letIn]).toEqual([true, 0])
    for (const { role, count, firstMs } of refusedBy) {
      expect([role, count > 0, firstMs ?? Infinity]).toEqual([role, true, expect.any(Number)])
      expect(firstMs).toBeLessThan(5_000)
    }
    await page.waitForSelector('.powerless:has-text("r6")')
    await opened.picture('powerless')
    expect(opened.problems).toEqual([])
  },
  PAGE_TEST_MS,
)
