/**
 * What a node remembers between runs: small values by key. `set` resolves when the value is safe;
 * afterwards `get` gives it, after a crash too.
 */
export interface Store {
  get(key: string): Promise<Uint8Array | undefined>
  set(key: string, value: Uint8Array): Promise<void>
}

/** A store that forgets with its process: for tests, and for agents that never open twice. */
export function memoryStore(): Store {
  const values = new Map<string, Uint8Array>()
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => void values.set(key, value),
  }
}
