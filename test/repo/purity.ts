import { at, memberName, nameOf, childNode, isCode, parseFile, walk } from './syntax.ts'
import { type GlobalReference, globalReferences } from './scopes.ts'
import { listFiles } from './tree.ts'

/** Files whose code takes time, chance and I/O as arguments only. */
const pureFile = /^packages\/((names|trust|audit|agent)\/src\/|dns\/src\/proof(\.ts$|\/))/

/**
 * The values of the language that pure code may use without importing them: each gives the same
 * answer on every machine at every time. A name that is not here is a finding.
 */
const pureValues = new Set(
  `undefined NaN Infinity arguments Object Array String Number BigInt Boolean Symbol Math JSON
  Reflect Proxy RegExp Promise Map Set WeakMap WeakSet Error TypeError RangeError SyntaxError
  AggregateError SuppressedError DisposableStack AsyncDisposableStack ArrayBuffer DataView
  Uint8Array Uint16Array Uint32Array Int8Array Int16Array Int32Array BigInt64Array BigUint64Array
  Float32Array Float64Array isNaN isFinite parseInt parseFloat TextEncoder TextDecoder
  AbortController AbortSignal`.split(/\s+/),
)

/** Types that would bring the clock, the machine or the page into the shape of a pure API. */
const impureTypes = new Set(
  `Date Buffer Process NodeJS Performance Crypto CryptoKey SubtleCrypto Window Document Navigator
  WebSocket Request Response Headers Timer globalThis process performance crypto`.split(/\s+/),
)

/** Members of pure values that hide a clock or chance. */
const impureMembers: Readonly<Record<string, string>> = {
  Math: 'random',
  AbortSignal: 'timeout',
}

/** Findings on code of the pure rooms that reaches for time, chance or I/O by itself. */
export function findImpurities(root: string): string[] {
  return listFiles(root)
    .filter((path) => pureFile.test(path) && isCode(path))
    .map((path) => parseFile(root, path))
    .flatMap((file) => {
      const globals = [...globalReferences(file.program)].flatMap((reference) => {
        const fault = faultOf(reference)
        return fault === undefined ? [] : [`${at(file, reference.node.start)} ${fault}`]
      })
      const metas = [...walk(file.program)]
        .filter(
          (node) => node.type === 'MetaProperty' && nameOf(childNode(node, 'meta')) === 'import',
        )
        .map((node) => `${at(file, node.start)} uses import.meta`)
      return [...globals, ...metas]
    })
}

function faultOf({ name, parent, node, typeOnly }: GlobalReference): string | undefined {
  if (typeOnly) return impureTypes.has(name) ? `uses the type ${name}` : undefined
  if (!pureValues.has(name)) return `uses ${name}`
  const banned = impureMembers[name]
  if (banned === undefined || parent.type === 'BinaryExpression') return undefined
  // Handing the whole object on would hide which member is used.
  const used = childNode(parent, 'object') === node ? memberName(parent) : undefined
  return used === undefined || used === banned ? `uses ${name}.${banned}, or hides it` : undefined
}
