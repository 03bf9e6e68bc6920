import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { build, type Rollup } from 'vite'
import { expect, test } from 'vitest'
import { compact } from '../build/compact.ts'
import { pack } from '../build/pack-files.ts'

/** What a page that verifies bundles, chains and DNSSEC downloads at most. */
const GOAL_BYTES = 120 * 1024
/** What a page with key anchors downloads may not grow past this. */
const FIRST_BYTES_MAX = 107 * 1024
/** Nor both with all that is downloaded when it is first used, such as HPKE, births and enrolling. */
const ALL_BYTES_MAX = 164 * 1024

/** What a page imports that was invited, opens its node, joins a group, sends and reads. */
const PAGE = 'acceptInvitation, openBrowserHome, openBrowserNode'
const source = (file: string) =>
  fileURLToPath(new URL(`../../../packages/browser/src/${file}.ts`, import.meta.url))
const page = `export { ${PAGE} } from ${JSON.stringify(source('index'))}`
const zones = ['zone-proofs', 'zone-questions'].map(
  (file) => `export * from ${JSON.stringify(source(file))}`,
)

test('@ixj/browser is small as relays send it, and asks for nothing of Node', async () => {
  const first = await bundle(page, { isLoaded: false })
  const dnssec = await bundle([page, ...zones].join('\n'), { isLoaded: false })
  const all = await bundle(page, { isLoaded: true })
  const verdict = dnssec.bytes <= GOAL_BYTES ? 'reached' : 'MISSED'
  console.log(
    `@ixj/browser, gzip: ${first.bytes} bytes with key anchors, ${dnssec.bytes} with DNSSEC, ` +
      `goal ${GOAL_BYTES}: ${verdict}; ${all.bytes} with all that is loaded on first use; ` +
      `Brotli, as relays send it to browsers that take it: ${first.brotli}, ${dnssec.brotli}, ${all.brotli}`,
  )
  expect(first.bytes).toBeLessThanOrEqual(FIRST_BYTES_MAX)
  expect(dnssec.bytes).toBeLessThanOrEqual(GOAL_BYTES)
  expect(all.bytes).toBeLessThanOrEqual(ALL_BYTES_MAX)
  expect(all.imports.filter((id) => id.startsWith('node:'))).toEqual([])
}, 120_000)

/** The module's id. */
const PROGRAM = 'program-of-a-page'

interface Bundle {
  /** By gzip, as the build packs what relays serve. */
  readonly bytes: number
  readonly brotli: number
  readonly imports: readonly string[]
}

/** One file with all that a program imports at once, and those parts that are imported later if told so. */
async function bundle(
  program: string,
  { isLoaded }: { readonly isLoaded: boolean },
): Promise<Bundle> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [
      compact(),
      {
        name: 'program-of-a-page',
        enforce: 'pre',
        resolveId(specifier, _importer, { kind }) {
          if (specifier === PROGRAM) return PROGRAM
          const isLater = kind === 'dynamic-import' && !isLoaded
          return isLater ? { id: specifier, external: true } : undefined
        },
        load: (id) => (id === PROGRAM ? program : undefined),
      },
    ],
    resolve: { conditions: ['ixj:src', 'browser', 'import', 'module', 'default'] },
    build: {
      write: false,
      modulePreload: false,
      target: 'es2022',
      rolldownOptions: {
        input: PROGRAM,
        preserveEntrySignatures: 'strict',
        output: { format: 'es', codeSplitting: false },
      },
    },
  })
  const chunks = [built]
    .flat()
    .flatMap((each) => ('output' in each ? each.output : []))
    .filter((each): each is Rollup.OutputChunk => each.type === 'chunk')
  const code = Buffer.from(chunks.map((chunk) => chunk.code).join('\n'))
  return {
    bytes: (await pack(code)).length,
    brotli: brotliCompressSync(code).length,
    imports: chunks.flatMap(({ imports }) => imports),
  }
}
