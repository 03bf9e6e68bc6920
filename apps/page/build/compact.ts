import { minify } from 'terser'
import type { Plugin } from 'vite'

/** Where Vite keeps what loads styles and chunks ahead of a part that is loaded later. */
const PRELOAD_HELPER = '\0vite/preload-helper.js'
/** What Vite puts in the place of modules of Node, which HPKE names for Node 18 alone. */
const NODE_MODULE = /^(?:__vite-)?browser-external\b/v

/**
 * Makes what Vite has minified smaller still: a second minifier sees it, and what is loaded later is
 * loaded by the browser alone, as no part of ours has styles to wait for.
 */
export function compact(): Plugin {
  return {
    name: 'compact',
    enforce: 'pre',
    apply: 'build',
    load(id) {
      if (NODE_MODULE.test(id)) return 'export {}'
      return id === PRELOAD_HELPER ? 'export const __vitePreload = (load) => load()' : undefined
    },
    async generateBundle(_options, files) {
      for (const file of Object.values(files)) {
        if (file.type === 'chunk') file.code = await compactCode(file.code)
      }
    },
  }
}

/** Only what is safe for any program: no property is renamed, no getter taken for pure. */
async function compactCode(code: string): Promise<string> {
  const { code: compacted } = await minify(code, {
    module: true,
    ecma: 2020,
    compress: { keep_fargs: false, passes: 2 },
    format: { comments: false },
  })
  if (compacted === undefined) throw new Error('The minifier gave no code')
  return compacted
}
