import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs'

/** The policy engine. */
export type CedarEngine = typeof Cedar

/**
 * Loads the policy engine, 4 MiB of WebAssembly, once; some 30 ms the first time. Imported here
 * alone and only when a policy is used, so that commands without one do not wait for it.
 */
export async function loadCedar(): Promise<CedarEngine> {
  return await import('@cedar-policy/cedar-wasm/nodejs')
}
