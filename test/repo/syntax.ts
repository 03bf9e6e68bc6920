import { parseSync } from 'oxc-parser'
import { readText } from './tree.ts'

/** A node of the ESTree syntax tree, TypeScript's nodes included. */
export interface SyntaxNode {
  readonly type: string
  /** Offsets in the file's text. */
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** A comment with its text between the comment marks. */
export interface Comment {
  readonly block: boolean
  readonly text: string
  readonly start: number
  readonly end: number
}

/** One parsed source file. */
export interface ParsedFile {
  readonly path: string
  readonly text: string
  readonly program: SyntaxNode
  readonly comments: readonly Comment[]
}

/** Parses one TypeScript or JavaScript file of a tree; throws on a syntax error. */
export function parseFile(root: string, path: string): ParsedFile {
  const text = readText(root, path)
  const { program, comments, errors } = parseSync(path, text)
  const error = errors[0]
  if (error !== undefined) throw new Error(`Cannot parse ${path}: ${error.message}`)
  return {
    path,
    text,
    program: program as unknown as SyntaxNode,
    comments: comments.map(({ type, value, start, end }) => ({
      block: type === 'Block',
      text: value,
      start,
      end,
    })),
  }
}

/** Whether a path is source code that {@link parseFile} reads. */
export function isCode(path: string): boolean {
  return /\.(ts|mts|cts|js|mjs|cjs)$/.test(path)
}

/** `path:line`, as editors open it. */
export function at(file: ParsedFile, position: number): string {
  return `${file.path}:${file.text.slice(0, position).split('\n').length}`
}

function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string'
  )
}

/** A member of a node that is itself a node. */
export function childNode(node: SyntaxNode, key: string): SyntaxNode | undefined {
  const value = node[key]
  return isNode(value) ? value : undefined
}

/** A member of a node that is a list of nodes; holes and absent lists are left out. */
export function childNodes(node: SyntaxNode, key: string): SyntaxNode[] {
  const value = node[key]
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** The children of a node with the key each stands under, in source order of the keys. */
export function* children(node: SyntaxNode): Generator<readonly [key: string, child: SyntaxNode]> {
  for (const [key, value] of Object.entries(node)) {
    if (isNode(value)) yield [key, value]
    else if (Array.isArray(value)) {
      for (const element of value) if (isNode(element)) yield [key, element]
    }
  }
}

/** The node and everything under it, parents first. */
export function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node
  for (const [, child] of children(node)) yield* walk(child)
}

/** The text of a string literal, else undefined. */
export function literalText(node: SyntaxNode | undefined): string | undefined {
  const value = node?.type === 'Literal' ? node['value'] : undefined
  return typeof value === 'string' ? value : undefined
}

/** The name of an identifier, or of a string literal where one may stand for it. */
export function nameOf(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === 'Identifier') return String(node['name'])
  return literalText(node)
}

/** The property that a member expression names, `a.b` and `a['b']` alike. */
export function memberName(node: SyntaxNode): string | undefined {
  const property = childNode(node, 'property')
  return node['computed'] === true ? literalText(property) : nameOf(property)
}
