import { describe, expect, test } from 'vitest'
import { findImpurities } from './purity.ts'
import { fixtureTree, repositoryRoot } from './tree.ts'

function faultsIn(text: string, path = 'packages/trust/src/chain.ts'): string[] {
  using tree = fixtureTree({ [path]: text })
  return findImpurities(tree.root)
}

test('the pure rooms take time, chance and I/O as arguments', () => {
  expect(findImpurities(repositoryRoot)).toEqual([])
})

describe('findImpurities()', () => {
  test.each([
    'Date.now()',
    'new Date()',
    'performance.now()',
    'setTimeout(() => undefined, 1)',
    'setInterval(() => undefined, 1)',
    'setImmediate(() => undefined)',
    'queueMicrotask(() => undefined)',
    'crypto.getRandomValues(new Uint8Array(1))',
    'void fetch("https://example.com")',
    'Math.random()',
    'Math["random"]()',
    'const { random } = Math',
    'const chance = Math',
    'AbortSignal.timeout(5)',
    'Buffer.from("")',
    'globalThis.Date',
    'navigator.onLine',
    'document.title',
    'new WebSocket("wss://example.com")',
    'process.exit()',
    'console.log(1)',
    'eval("1")',
    'new Function("return this")()',
    'require("fs")',
    'import.meta.url',
    'export const time = { now: Date.now }',
    'export const time = { Date }',
    'declare const process: { exit(): void }; process.exit()',
    'export { process }',
    'export const when = (time: Date): number => time.getTime()',
    'export type Clock = typeof performance',
    'function inner(process: number) { return process }\nprocess.exit()',
    'const text = `${Date.now()}`',
    'class Timer { at = Date.now() }',
  ])('rejects %s', (text) => {
    expect(faultsIn(text)).not.toEqual([])
  })

  test.each([
    '// Date.now() is an argument here: process, Math.random',
    'export const text = "Date.now() process"',
    'export const process = (document: string): string => document',
    'export const now = (clock: { Date: number }): number => clock.Date',
    'export const clock = { performance: 1, crypto() { return 2 } }',
    'import { crypto } from "./crypto.ts"\ncrypto()',
    'export type Named<Buffer> = { [navigator in keyof Buffer]: Buffer[navigator] }',
    'for (const document of [1, 2]) { if (document > Math.max(1, 2)) break }',
    'export function run({ process = 1 }: { process?: number }): number { return process }',
    'export const wait = (signal: AbortSignal): void => signal.throwIfAborted()',
    'export const isSignal = (value: unknown): boolean => value instanceof AbortSignal',
    'export type Element<T> = T extends readonly (infer Document)[] ? Document : never',
    'try { JSON.parse("") } catch (process) { throw process }',
    'declare const brand: unique symbol\nexport type Name = string & { readonly [brand]: true }',
    'class Log { #process = 1; process() { return this.#process } }',
  ])('accepts %s', (text) => {
    expect(faultsIn(text)).toEqual([])
  })

  test('accepts time in a room that does I/O', () => {
    expect(faultsIn('Date.now()', 'packages/node/src/keys.ts')).toEqual([])
  })

  test('names the file and the line', () => {
    expect(faultsIn('export {}\n\nDate.now()\n')).toEqual([
      'packages/trust/src/chain.ts:3 uses Date',
    ])
  })

  test('rejects time in the proofs of names', () => {
    expect(faultsIn('Date.now()', 'packages/dns/src/proof/codec.ts')).toHaveLength(1)
  })
})
