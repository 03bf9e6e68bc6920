import type { Page } from 'playwright-core'
import type { Heard } from './library-entry.ts'

/** Calls a function of library-entry.ts in a page that has it beside itself. */
async function call(page: Page, name: string, argument: unknown = null): Promise<unknown> {
  // As text: what runs in the page is no code of this process.
  const words = `import('/ixj-0.1.0.js').then((ixj) => ixj.${name}(${JSON.stringify(argument)}))`
  return await page.evaluate(words)
}

/** Makes the key of a name in a page, and gives its public half in base64url. */
export async function makeKey(page: Page, name: string): Promise<string> {
  return (await call(page, 'makeKey', name)) as string
}

/** Opens the name with what was stated of its key, joins a group and listens. */
export async function listen(
  page: Page,
  of: { readonly name: string; readonly ticket: string; readonly topic: string },
): Promise<void> {
  await call(page, 'listen', of)
}

/** What a page has heard so far. */
export async function heardBy(page: Page): Promise<Heard> {
  return (await call(page, 'heard')) as Heard
}

/** Publishes from a page. */
export async function publishFrom(page: Page, body: string): Promise<void> {
  await call(page, 'publish', body)
}
