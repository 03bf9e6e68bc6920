import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rollup } from 'vite'
import { expect, test } from 'vitest'

/** The goal for all of it: what a page downloads at most, compressed as servers do. It is missed. */
const GOAL_BYTES = 120 * 1024
/** What a page with key anchors downloads may not grow past this. */
const FIRST_BYTES_MAX = 150 * 1024
/** Nor all of it, DNSSEC for zone anchors included. */
const ALL_BYTES_MAX = 170 * 1024

test('@ixj/browser is small, minified and compressed, and asks for nothing of Node', async () => {
  const input = fileURLToPath(new URL('../src/index.ts', import.meta.url))
  const built = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['ixj:src', 'browser', 'import', 'module', 'default'] },
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      target: 'es2022',
      rolldownOptions: { input, preserveEntrySignatures: 'strict', output: { format: 'es' } },
    },
  })
  const chunks = [built]
    .flat()
    .flatMap((each) => ('output' in each ? each.output : []))
    .filter((each) => each.type === 'chunk')
  const first = sizeOf(withImports(chunks, (chunk) => chunk.isEntry))
  const all = sizeOf(chunks)
  const verdict = all <= GOAL_BYTES ? 'reached' : 'MISSED'
  console.log(
    `@ixj/browser, compressed: ${first} bytes with key anchors, ${all} with DNSSEC too; ` +
      `goal ${GOAL_BYTES} for all: ${verdict}`,
  )
  expect(first).toBeLessThanOrEqual(FIRST_BYTES_MAX)
  expect(all).toBeLessThanOrEqual(ALL_BYTES_MAX)
  expect(chunks.flatMap(({ imports }) => imports).filter((id) => id.startsWith('node:'))).toEqual(
    [],
  )
})

/** The chunks that are loaded with those of the filter, before any code of them runs. */
function withImports(
  chunks: readonly Rollup.OutputChunk[],
  isFirst: (chunk: Rollup.OutputChunk) => boolean,
): readonly Rollup.OutputChunk[] {
  const loaded = new Set(chunks.filter(isFirst))
  for (const chunk of loaded) {
    for (const each of chunks) if (chunk.imports.includes(each.fileName)) loaded.add(each)
  }
  return [...loaded]
}

function sizeOf(chunks: readonly Rollup.OutputChunk[]): number {
  return chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
}
