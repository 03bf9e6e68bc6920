import { basename } from 'node:path/posix'
import {
  type ParsedFile,
  type SyntaxNode,
  at,
  childNode,
  childNodes,
  isCode,
  memberName,
  nameOf,
  parseFile,
  walk,
} from './syntax.ts'
import { listFiles } from './tree.ts'

/** A reader finishes any file in one sitting. */
export const fileLinesMax = 400

const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/
const emptyName = /^(.*-)?(utils?|helpers?|managers?)$|^(commons?|types?)$/
// Split, so that this file does not find itself.
const deferredWork = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`)
const testFunctions = new Set(['test', 'it', 'describe', 'suite', 'bench'])
const partialRuns = new Set(['only', 'skip', 'todo'])

/**
 * Findings on the form of code under packages/, apps/, test/ and bench/: names and length of files,
 * default exports, deferred work, swallowed errors, tests that are left out.
 */
export function findStyleFaults(root: string): string[] {
  return listFiles(root)
    .filter((path) => /^(packages|apps|test|bench)\//.test(path) && isCode(path))
    .flatMap((path) => {
      const file = parseFile(root, path)
      return [
        ...findNameFaults(path),
        ...findLengthFaults(file),
        ...findDeferredWork(file),
        ...[...walk(file.program)].flatMap((node) => {
          const fault = nodeFault(file, node)
          return fault === undefined ? [] : [`${at(file, node.start)} ${fault}`]
        }),
      ]
    })
}

function findNameFaults(path: string): string[] {
  const parts = path.split('/').map((part) => basename(part).split('.')[0] ?? '')
  return parts.flatMap((part) => {
    if (!kebabCase.test(part)) return [`${path} has "${part}" in its path, which is not kebab-case`]
    return emptyName.test(part) ? [`${path} has "${part}" in its path, which says nothing`] : []
  })
}

function findLengthFaults({ path, text }: ParsedFile): string[] {
  const lines = text.trimEnd().split('\n').length
  return lines > fileLinesMax ? [`${path} has ${lines} lines, the most is ${fileLinesMax}`] : []
}

function findDeferredWork(file: ParsedFile): string[] {
  return file.comments
    .filter((comment) => deferredWork.test(comment.text))
    .map((comment) => `${at(file, comment.start)} defers work in a comment`)
}

function nodeFault(file: ParsedFile, node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'ExportDefaultDeclaration':
      return 'has a default export'
    case 'ExportSpecifier':
      return nameOf(childNode(node, 'exported')) === 'default' ? 'has a default export' : undefined
    case 'CatchClause':
      return isEmptyBlock(childNode(node, 'body'))
        ? 'has a catch clause that does nothing'
        : undefined
    case 'CallExpression':
      return swallows(file, node) ? 'drops a rejection without saying why' : undefined
    case 'MemberExpression':
      return isPartialRun(node) ? `leaves tests out by .${memberName(node)}` : undefined
    default:
      return undefined
  }
}

function isEmptyBlock(node: SyntaxNode | undefined): boolean {
  return node?.type === 'BlockStatement' && childNodes(node, 'body').length === 0
}

// `.catch(() => {})`; a comment inside of the braces makes it a decision.
function swallows(file: ParsedFile, call: SyntaxNode): boolean {
  const callee = childNode(call, 'callee')
  if (callee?.type !== 'MemberExpression' || memberName(callee) !== 'catch') return false
  const body = childNodes(call, 'arguments').map((handler) => childNode(handler, 'body'))[0]
  if (body === undefined || !isEmptyBlock(body)) return false
  return !file.comments.some(({ start, end }) => start > body.start && end < body.end)
}

function isPartialRun(node: SyntaxNode): boolean {
  const object = childNode(node, 'object')
  const name =
    object?.type === 'MemberExpression' ? nameOf(childNode(object, 'object')) : nameOf(object)
  return testFunctions.has(name ?? '') && partialRuns.has(memberName(node) ?? '')
}
