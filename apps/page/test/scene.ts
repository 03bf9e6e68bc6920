import type { Browser } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { openChromium } from './chromium.ts'
import { openPage, type OpenedPage } from './opened-page.ts'

/**
 * How long a test with Chromium may take: some seconds on a machine of its own, minutes on two cores
 * that other tests fill. What has to come about within a time is bounded by itself.
 */
export const PAGE_TEST_MS = 240_000

/** What the tests of one file share: a browser, and a place that its tabs go to. */
interface Scene<T> {
  readonly browser: Browser
  readonly place: T
  /** A tab in a browser profile of its own. */
  openPage(url: string): Promise<OpenedPage>
}

/** Opens both before the tests of a file, one after the other: each takes all of a small machine. */
export function useScene<T extends AsyncDisposable>(openPlace: () => Promise<T>): Scene<T> {
  const opened = new AsyncDisposableStack()
  let place: T | undefined
  let browser: Browser | undefined
  beforeAll(async () => {
    place = opened.use(await openPlace())
    browser = opened.use(await openChromium())
  }, PAGE_TEST_MS)
  afterAll(() => opened.disposeAsync(), PAGE_TEST_MS)
  const there = <V>(value: V | undefined): V => {
    if (value === undefined) throw new Error('The scene is open within tests alone')
    return value
  }
  return {
    get browser() {
      return there(browser)
    },
    get place() {
      return there(place)
    },
    openPage: (url) => openPage(there(browser), url),
  }
}

/** A scene for tests that each open a place of their own. */
export function useBrowser(): Scene<AsyncDisposable> {
  return useScene(() => Promise.resolve(new AsyncDisposableStack()))
}
