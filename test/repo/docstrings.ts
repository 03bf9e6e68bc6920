import { dirname, join } from 'node:path/posix'
import {
  type ParsedFile,
  type SyntaxNode,
  at,
  childNode,
  childNodes,
  literalText,
  nameOf,
  parseFile,
} from './syntax.ts'
import { declaredNames } from './scopes.ts'
import { listFiles, listWorkspaces, member } from './tree.ts'

/** Findings on exports of the packages' entries whose declaration has no docstring. */
export function findMissingDocstrings(root: string): string[] {
  const files = new Set(listFiles(root))
  const search: Search = {
    files,
    parse: parseOnce(root),
    seen: new Set(),
    faults: new Set(),
  }
  for (const workspace of listWorkspaces(root, [...files])) {
    if (!workspace.folder.startsWith('packages/')) continue
    const entries = member(workspace.manifest, 'exports')
    for (const entry of Object.keys(entries)) {
      const source = member(entries, entry)['ixj:src']
      if (typeof source !== 'string') {
        search.faults.add(`${workspace.folder}/package.json has no ixj:src for "${entry}"`)
      } else searchModule(search, join(workspace.folder, source))
    }
  }
  return [...search.faults]
}

interface Search {
  readonly files: ReadonlySet<string>
  readonly parse: (path: string) => ParsedFile
  /** Names of modules that were searched already, `path` or `path name`. */
  readonly seen: Set<string>
  readonly faults: Set<string>
}

function parseOnce(root: string): (path: string) => ParsedFile {
  const parsed = new Map<string, ParsedFile>()
  return (path) => {
    const file = parsed.get(path) ?? parseFile(root, path)
    parsed.set(path, file)
    return file
  }
}

// Every export of a module.
function searchModule(search: Search, path: string): void {
  if (isSeen(search, path)) return
  if (!search.files.has(path)) {
    search.faults.add(`${path} is an entry or a re-export, but does not exist`)
    return
  }
  const file = search.parse(path)
  for (const statement of childNodes(file.program, 'body')) {
    if (statement.type === 'ExportAllDeclaration') {
      const target = relativeTarget(path, statement)
      if (target !== undefined) searchModule(search, target)
    }
    if (statement.type === 'ExportNamedDeclaration') {
      const declaration = childNode(statement, 'declaration')
      if (declaration !== undefined) requireDocstring(search, file, statement, declaration)
      for (const specifier of childNodes(statement, 'specifiers')) {
        const local = nameOf(childNode(specifier, 'local'))
        const target = relativeTarget(path, statement)
        if (local === undefined) continue
        if (target !== undefined) searchName(search, target, local)
        else if (childNode(statement, 'source') === undefined) searchName(search, path, local)
      }
    }
  }
}

// One name, declared in a module or passed on by it.
function searchName(search: Search, path: string, name: string): void {
  if (isSeen(search, `${path} ${name}`) || !search.files.has(path)) return
  const file = search.parse(path)
  for (const statement of childNodes(file.program, 'body')) {
    const declaration = childNode(statement, 'declaration') ?? statement
    const target = relativeTarget(path, statement)
    if (statement.type === 'ImportDeclaration') {
      for (const specifier of childNodes(statement, 'specifiers')) {
        if (nameOf(childNode(specifier, 'local')) !== name || target === undefined) continue
        const imported = nameOf(childNode(specifier, 'imported'))
        if (imported === undefined) searchModule(search, target)
        else searchName(search, target, imported)
      }
    } else if (statement.type === 'ExportAllDeclaration') {
      if (target !== undefined) searchName(search, target, name)
    } else if (declaredNames(declaration).includes(name)) {
      requireDocstring(search, file, statement, declaration)
    }
    for (const specifier of childNodes(statement, 'specifiers')) {
      if (
        specifier.type !== 'ExportSpecifier' ||
        nameOf(childNode(specifier, 'exported')) !== name
      ) {
        continue
      }
      const local = nameOf(childNode(specifier, 'local')) ?? name
      if (target !== undefined) searchName(search, target, local)
      else if (childNode(statement, 'source') === undefined) searchName(search, path, local)
    }
  }
}

function isSeen(search: Search, key: string): boolean {
  const seen = search.seen.has(key)
  search.seen.add(key)
  return seen
}

function relativeTarget(from: string, statement: SyntaxNode): string | undefined {
  const specifier = literalText(childNode(statement, 'source'))
  return specifier?.startsWith('.') ? join(dirname(from), specifier) : undefined
}

function requireDocstring(
  search: Search,
  file: ParsedFile,
  statement: SyntaxNode,
  declaration: SyntaxNode,
): void {
  // One docstring above the first overload, or above the type of the same name, speaks for all.
  const names = declaredNames(declaration)
  const body = childNodes(file.program, 'body')
  const same = body.filter((each) =>
    declaredNames(childNode(each, 'declaration') ?? each).some((name) => names.includes(name)),
  )
  if (same.some((each) => hasDocstring(file, each))) return
  search.faults.add(`${at(file, statement.start)} exports ${names.join(', ')} without a docstring`)
}

function hasDocstring(file: ParsedFile, statement: SyntaxNode): boolean {
  const comment = file.comments.findLast(({ end }) => end <= statement.start)
  return (
    comment !== undefined &&
    comment.block &&
    comment.text.startsWith('*') &&
    /[\p{L}\p{N}]/u.test(comment.text) &&
    file.text.slice(comment.end, statement.start).trim() === ''
  )
}
