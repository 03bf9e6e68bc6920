import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rollup } from 'vite'
import { expect, test } from 'vitest'

/** The goal: what a page that verifies bundles, chains and DNSSEC downloads at most. It is missed. */
const GOAL_BYTES = 120 * 1024
/** What a page with key anchors downloads may not grow past this. */
const FIRST_BYTES_MAX = 129 * 1024
/** Nor what a page with zone anchors does. */
const DNSSEC_BYTES_MAX = 146 * 1024
/** Nor both with all that is downloaded when it is first used, such as HPKE, births and enrolling. */
const ALL_BYTES_MAX = 170 * 1024

test('@ixj/browser is small, minified and compressed, and asks for nothing of Node', async () => {
  const first = await bundle(() => false)
  const dnssec = await bundle((specifier) => /\/zone-(?:proofs|questions)\.ts$/.test(specifier))
  const all = await bundle(() => true)
  const verdict = dnssec.bytes <= GOAL_BYTES ? 'reached' : 'MISSED'
  console.log(
    `@ixj/browser, compressed: ${first.bytes} bytes with key anchors, ${dnssec.bytes} with DNSSEC, ` +
      `goal ${GOAL_BYTES}: ${verdict}; ${all.bytes} with all that is loaded on first use`,
  )
  expect(first.bytes).toBeLessThanOrEqual(FIRST_BYTES_MAX)
  expect(dnssec.bytes).toBeLessThanOrEqual(DNSSEC_BYTES_MAX)
  expect(all.bytes).toBeLessThanOrEqual(ALL_BYTES_MAX)
  expect(all.imports.filter((id) => id.startsWith('node:'))).toEqual([])
})

interface Bundle {
  readonly bytes: number
  readonly imports: readonly string[]
}

/**
 * One file, as pages are served it, with all that is imported at once, and those parts imported
 * later that the filter selects by their specifiers.
 */
async function bundle(isLoaded: (specifier: string) => boolean): Promise<Bundle> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'loaded-later',
        enforce: 'pre',
        resolveId(specifier, _importer, { kind }) {
          const isLater = kind === 'dynamic-import' && !isLoaded(specifier)
          return isLater ? { id: specifier, external: true } : undefined
        },
      },
    ],
    resolve: { conditions: ['ixj:src', 'browser', 'import', 'module', 'default'] },
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      target: 'es2022',
      rolldownOptions: {
        input: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
        preserveEntrySignatures: 'strict',
        output: { format: 'es', codeSplitting: false },
      },
    },
  })
  const chunks = [built]
    .flat()
    .flatMap((each) => ('output' in each ? each.output : []))
    .filter((each): each is Rollup.OutputChunk => each.type === 'chunk')
  return {
    bytes: chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0),
    imports: chunks.flatMap(({ imports }) => imports),
  }
}
