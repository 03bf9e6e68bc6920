import type { Store } from '@ixj/agent'
import { BrowserError } from '../browser-error.ts'
import type { Database } from './database.ts'
import { PAGE_VALUE_BYTES_MAX } from './limits.ts'

/** What a node in a page remembers between runs. */
export function databaseStore(database: Database): Store {
  return {
    get: async (key) => {
      const value: unknown = await database.read('values', (values) => values.get(key))
      if (value === undefined || value instanceof Uint8Array) return value
      throw new BrowserError('storage', `Cannot read "${key}" from IndexedDB: it is no bytes`)
    },
    set: async (key, value) => {
      if (value.length > PAGE_VALUE_BYTES_MAX) {
        const size = `${value.length} bytes, limit ${PAGE_VALUE_BYTES_MAX}`
        throw new BrowserError('storage', `Cannot remember "${key}": ${size}`)
      }
      // A copy: what is a view of a larger buffer would be kept with all of it.
      await database.write(['values'], (open) => open('values').put(value.slice(), key))
    },
  }
}
