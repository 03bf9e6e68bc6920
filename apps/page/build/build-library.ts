import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { compact } from './compact.ts'

const LIBRARY = fileURLToPath(new URL('../../../packages/browser', import.meta.url))

/** The library as one file, for pages of any origin. */
export interface LibraryFile {
  /** Its name, which says its version: `ixj-0.1.0.js`. */
  readonly file: string
  /** For the `integrity` of whoever loads it. */
  readonly integrity: string
}

/** Builds `@ixj/browser` from source into one file of a folder, beside what is there. */
export async function buildLibrary(
  folder: string,
  entry = join(LIBRARY, 'src/index.ts'),
): Promise<LibraryFile> {
  const { version } = JSON.parse(await readFile(join(LIBRARY, 'package.json'), 'utf8')) as {
    readonly version: string
  }
  const file = `ixj-${version}.js`
  await build({
    configFile: false,
    logLevel: 'error',
    plugins: [compact()],
    resolve: { conditions: ['ixj:src', 'browser', 'import', 'module', 'default'] },
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: {
        input: entry,
        preserveEntrySignatures: 'strict',
        // One file, so that one hash covers all of it.
        output: { format: 'es', entryFileNames: file, codeSplitting: false },
      },
    },
  })
  const hash = createHash('sha384').update(await readFile(join(folder, file)))
  return { file, integrity: `sha384-${hash.digest('base64')}` }
}
