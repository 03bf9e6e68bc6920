import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Where Debian, and others, put it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where Chromium is on this machine; undefined where it is not. */
export function chromiumPath(): string | undefined {
  return [process.env['CHROMIUM'] ?? '', ...PLACES].find((path) => path !== '' && existsSync(path))
}

/** Starts Chromium, without a sandbox where this is root: it shows only pages of this test. */
export async function openChromium(): Promise<Browser> {
  const executablePath = chromiumPath()
  if (executablePath === undefined) {
    throw new Error('There is no Chromium: run `npm run test:setup`, or set CHROMIUM to its path')
  }
  const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
  return await chromium.launch({
    executablePath,
    args: [...quiet, '--disable-background-networking', '--disable-component-update'],
    chromiumSandbox: process.getuid?.() !== 0,
  })
}
