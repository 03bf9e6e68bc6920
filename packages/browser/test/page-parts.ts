import { webcrypto } from 'node:crypto'
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'

// Node's WebCrypto and Web Locks are the browsers' interface; types differ in name only.
export const subtle = webcrypto.subtle as SubtleCrypto

// A page has it as a global, and code of a page may count on that.
globalThis.IDBKeyRange ??= IDBKeyRange as typeof globalThis.IDBKeyRange

/** What a page gives to a home, with databases in memory that no other page has. */
export function pageParts() {
  return { subtle, databases: new IDBFactory(), locks: navigator.locks }
}
