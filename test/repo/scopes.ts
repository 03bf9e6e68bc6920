import { type SyntaxNode, childNode, childNodes, children, nameOf } from './syntax.ts'

/** A name that no declaration of the file binds: the file reaches outside of itself by it. */
export interface GlobalReference {
  readonly name: string
  readonly node: SyntaxNode
  readonly parent: SyntaxNode
  /** The name is used as a type only, so it leaves no trace in the program that runs. */
  readonly typeOnly: boolean
}

interface Scope {
  readonly names: ReadonlySet<string>
  /** Names that a `declare` only claims to exist: types may speak of them, code may not. */
  readonly claimed: ReadonlySet<string>
  readonly parent: Scope | undefined
}

// Keys under which an identifier is a label, not a reference, unless it is computed.
const labels: Readonly<Record<string, readonly string[]>> = {
  MemberExpression: ['property'],
  Property: ['key'],
  PropertyDefinition: ['key'],
  AccessorProperty: ['key'],
  MethodDefinition: ['key'],
  TSPropertySignature: ['key'],
  TSMethodSignature: ['key'],
  TSAbstractPropertyDefinition: ['key'],
  TSAbstractMethodDefinition: ['key'],
  LabeledStatement: ['label'],
  BreakStatement: ['label'],
  ContinueStatement: ['label'],
  ImportSpecifier: ['imported'],
  ExportSpecifier: ['exported'],
  ExportAllDeclaration: ['exported'],
  MetaProperty: ['meta', 'property'],
  ImportAttribute: ['key'],
  TSNamedTupleMember: ['label'],
  TSEnumMember: ['id'],
  TSQualifiedName: ['right'],
  TSImportType: ['qualifier'],
}

const typePositions = new Set([
  'TSTypeAnnotation',
  'TSTypeParameterInstantiation',
  'TSTypeParameterDeclaration',
  'TSTypeAliasDeclaration',
  'TSInterfaceDeclaration',
  'TSClassImplements',
  'TSInterfaceHeritage',
  'TSTypeReference',
  'TSTypeQuery',
  'TSTypePredicate',
])

/** The names that a binding pattern declares. */
export function patternNames(pattern: SyntaxNode | undefined): string[] {
  if (pattern === undefined) return []
  switch (pattern.type) {
    case 'Identifier':
      return [String(pattern['name'])]
    case 'ObjectPattern':
      return childNodes(pattern, 'properties').flatMap(patternNames)
    case 'Property':
      return patternNames(childNode(pattern, 'value'))
    case 'ArrayPattern':
      return childNodes(pattern, 'elements').flatMap(patternNames)
    case 'AssignmentPattern':
      return patternNames(childNode(pattern, 'left'))
    case 'RestElement':
      return patternNames(childNode(pattern, 'argument'))
    case 'TSParameterProperty':
      return patternNames(childNode(pattern, 'parameter'))
    default:
      return []
  }
}

/** The names that a statement declares, or claims by `declare`. */
export function declaredNames(statement: SyntaxNode): string[] {
  switch (statement.type) {
    case 'ExportNamedDeclaration':
    case 'ExportDefaultDeclaration': {
      const declaration = childNode(statement, 'declaration')
      return declaration === undefined ? [] : declaredNames(declaration)
    }
    case 'ImportDeclaration':
      return childNodes(statement, 'specifiers').flatMap((each) =>
        patternNames(childNode(each, 'local')),
      )
    case 'VariableDeclaration':
      return childNodes(statement, 'declarations').flatMap((each) =>
        patternNames(childNode(each, 'id')),
      )
    default:
      return patternNames(childNode(statement, 'id'))
  }
}

function isClaim(statement: SyntaxNode): boolean {
  return (childNode(statement, 'declaration') ?? statement)['declare'] === true
}

function claimedNames(node: SyntaxNode): string[] {
  return childNodes(node, 'body').filter(isClaim).flatMap(declaredNames)
}

// What a node binds for everything under it.
function boundNames(node: SyntaxNode): string[] {
  switch (node.type) {
    case 'Program':
    case 'BlockStatement':
    case 'StaticBlock':
    case 'TSModuleBlock':
      return childNodes(node, 'body')
        .filter((statement) => !isClaim(statement))
        .flatMap(declaredNames)
    case 'SwitchStatement':
      return childNodes(node, 'cases').flatMap((each) =>
        childNodes(each, 'consequent').flatMap(declaredNames),
      )
    case 'ForStatement':
      return declaredIn(node, 'init')
    case 'ForOfStatement':
    case 'ForInStatement':
      return declaredIn(node, 'left')
    case 'CatchClause':
      return patternNames(childNode(node, 'param'))
    case 'TSMappedType':
      return patternNames(childNode(node, 'key'))
    case 'TSIndexSignature':
      return childNodes(node, 'parameters').flatMap(patternNames)
    case 'TSConditionalType':
      return inferredNames(node)
    case 'FunctionExpression':
    case 'ClassExpression':
      return [...patternNames(childNode(node, 'id')), ...parameterNames(node)]
    default:
      return parameterNames(node)
  }
}

function declaredIn(node: SyntaxNode, key: string): string[] {
  const declaration = childNode(node, key)
  return declaration?.type === 'VariableDeclaration' ? declaredNames(declaration) : []
}

function parameterNames(node: SyntaxNode): string[] {
  const typeParameters = childNode(node, 'typeParameters')
  const names = node.type.startsWith('TSTypeParameter')
    ? []
    : childNodes(node, 'params').flatMap(patternNames)
  if (typeParameters === undefined) return names
  const typeNames = childNodes(typeParameters, 'params').map((each) =>
    nameOf(childNode(each, 'name')),
  )
  return [...names, ...typeNames.filter((name) => name !== undefined)]
}

function inferredNames(node: SyntaxNode): string[] {
  const parameter = node.type === 'TSInferType' ? childNode(node, 'typeParameter') : undefined
  const name = parameter === undefined ? undefined : nameOf(childNode(parameter, 'name'))
  const below = [...children(node)].flatMap(([, child]) => inferredNames(child))
  return name === undefined ? below : [name, ...below]
}

function isBound(name: string, scope: Scope | undefined, typeOnly: boolean): boolean {
  for (let each = scope; each !== undefined; each = each.parent) {
    if (each.names.has(name) || (typeOnly && each.claimed.has(name))) return true
  }
  return false
}

/** Every reference of a program to a name that it neither declares nor imports. */
export function* globalReferences(program: SyntaxNode): Generator<GlobalReference> {
  yield* visit(program, program, undefined, false)
}

function openScope(node: SyntaxNode, outer: Scope | undefined): Scope | undefined {
  const names = new Set(boundNames(node))
  const claimed = new Set(claimedNames(node))
  return names.size + claimed.size > 0 ? { names, claimed, parent: outer } : outer
}

function isTypeOnly(node: SyntaxNode): boolean {
  return typePositions.has(node.type) || node['declare'] === true
}

function* visit(
  node: SyntaxNode,
  parent: SyntaxNode,
  outer: Scope | undefined,
  typeOnly: boolean,
): Generator<GlobalReference> {
  if (node.type === 'Identifier') {
    const name = String(node['name'])
    if (!isBound(name, outer, typeOnly)) yield { name, node, parent, typeOnly }
  }
  const scope = openScope(node, outer)
  const skipped = node['computed'] === true ? [] : (labels[node.type] ?? [])
  const isReExport = node.type === 'ExportNamedDeclaration' && childNode(node, 'source')
  for (const [key, child] of children(node)) {
    if (skipped.includes(key) || (isReExport && key === 'specifiers')) continue
    yield* visit(child, node, scope, typeOnly || isTypeOnly(child))
  }
}
