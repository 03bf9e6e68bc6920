import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { SAM } from '../../cli/src/demo/fleet/names.ts'

/** Where pictures of the page are left, for whoever wants to look at them; git does not keep them. */
const PICTURES = fileURLToPath(new URL('../dist/pictures', import.meta.url))

/** How long something in a page is waited for, that has to come about at some time. */
const WAIT_MS = 120_000

const DESKTOP = { width: 1_360, height: 860 } as const

/** A picture of what colours and places come to, not of the way there. */
const AT_REST = { animations: 'disabled' } as const

/** A tab with sam in it, and what went wrong in it. */
export interface OpenedPage extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors that nobody caught, and what its console called an error. */
  readonly problems: string[]
  show(view: 'live' | 'explain' | 'fleet' | 'audit'): Promise<void>
  picture(name: string): Promise<void>
}

/** Opens a tab in a browser profile of its own. */
export async function openPage(browser: Browser, url: string): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: DESKTOP })
  context.setDefaultTimeout(WAIT_MS)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    // A relay that is gone is told by the browser itself, whatever a page does about it.
    const isLost = /WebSocket|ERR_/.test(message.text())
    if (message.type() === 'error' && !isLost) problems.push(message.text())
  })
  await page.goto(url)
  return {
    page,
    context,
    problems,
    show: async (view) => {
      await page.evaluate((hash) => void (location.hash = hash), view)
      await page.waitForSelector(`.panel-${view}`)
    },
    picture: async (name) => {
      mkdirSync(PICTURES, { recursive: true })
      for (const [suffix, viewport] of [
        ['-phone', { width: 390, height: 844 }],
        ['', DESKTOP],
      ] as const) {
        await page.setViewportSize(viewport)
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme })
          const path = join(PICTURES, `${name}${suffix}-${colorScheme}.png`)
          await page.screenshot({ ...AT_REST, path })
        }
      }
      await page.emulateMedia({ colorScheme: 'light' })
    },
    [Symbol.asyncDispose]: () => context.close(),
  }
}

/** Joins as sam with a key that the tab makes, and waits until both relays have admitted it. */
export async function joinAsSam(
  { page }: OpenedPage,
  town: { ticketFor(name: string, key: string): Promise<string> },
): Promise<void> {
  await page.fill('input[name=name]', SAM)
  await page.click('text=Make my key')
  const key = await page.locator('pre[data-key]').getAttribute('data-key')
  if (key === null) throw new Error('The page showed no key')
  await page.fill('textarea[name=ticket]', await town.ticketFor(SAM, key))
  await page.click('button:has-text("Join")')
  await page.waitForSelector('.relay-admitted >> nth=1')
}
