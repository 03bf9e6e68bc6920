import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { compact } from './compact.ts'

/** The folder of the page, with its `index.html`. */
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Where `npm run build:page` puts it. */
export const SITE = fileURLToPath(new URL('../dist/site', import.meta.url))

/** Builds the page from source into a folder, whose files may be served as they are. */
export async function buildPage(folder: string): Promise<void> {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    // A relay may serve the page below any path.
    base: './',
    plugins: [compact()],
    resolve: { conditions: ['ixj:src', 'browser', 'import', 'module', 'default'] },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2022',
      // The polyfill is an inline script, which a strict policy refuses.
      modulePreload: { polyfill: false },
      // Nothing is put into style sheets as data: only the page's own files are loaded.
      assetsInlineLimit: 0,
    },
  })
}
