import { defineConfig } from 'vitest/config'

// Tests run from source: the private export condition "ixj:src" stands before the built files.
const conditions = ['ixj:src', 'node', 'import', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/world/dns/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
