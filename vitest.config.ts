import { defineConfig } from 'vitest/config'

// Tests run from source: the private export condition "ixj:src" stands before the built files.
const conditions = ['ixj:src', 'node', 'import', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/world/dns/global-setup.ts'],
    // Vitest leaves one processor idle unless it is told; of two, that is half of them.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
