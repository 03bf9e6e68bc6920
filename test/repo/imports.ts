import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path/posix'
import {
  type ParsedFile,
  type SyntaxNode,
  at,
  childNode,
  literalText,
  parseFile,
  walk,
} from './syntax.ts'
import { type Workspace, listFiles, listWorkspaces, member, readJson } from './tree.ts'

/**
 * The floors of the house, lowest first; each room imports only what stands on a lower floor.
 * A workspace that is not on this list is a finding, so a new room has to be given its place.
 */
export const floors: readonly (readonly string[])[] = [
  ['packages/names'],
  ['packages/trust'],
  ['packages/audit'],
  ['packages/agent'],
  ['packages/dns'],
  ['packages/node', 'packages/browser'],
  ['apps/cli', 'apps/relay', 'apps/page'],
]

/** The only libraries that a pure room may import, by specifier; `/*` stands for any subpath. */
export const pureLibraries: Readonly<Record<string, readonly string[]>> = {
  // By a subpath: the bare name is Node's own deprecated module.
  'packages/names': ['punycode/*'],
  'packages/trust': ['msgpackr/pack', 'msgpackr/unpack', '@noble/ed25519', '@noble/hashes/*'],
  'packages/audit': [],
  'packages/agent': [],
}

/** Rooms whose code runs in a page as well, so Node's own modules are not for them. */
const withoutBuiltins = new Set([...Object.keys(pureLibraries), 'packages/browser'])

const meshLibrary = /^(libp2p|@libp2p\/[^/]+|@chainsafe\/[^/]+|@multiformats\/[^/]+)(\/|$)/
const meshFile = 'packages/node/src/mesh.ts'
const meshFolder = 'packages/node/src/mesh/'
const proofFile = /^packages\/dns\/src\/proof(\.ts$|\/)/
/** What the pure part of dns may import beside its own files. */
const belowProof = new Set(['@ixj/names', '@ixj/trust'])

/** One place of a file that names another module; `specifier` is undefined where it is computed. */
export interface ImportPlace {
  readonly specifier: string | undefined
  readonly position: number
}

/** Every static, dynamic and type import, and every re-export, of a file. */
export function importPlaces(file: ParsedFile): ImportPlace[] {
  return [...walk(file.program)].flatMap((node) => {
    const source = importSource(node)
    return source === undefined ? [] : [{ specifier: literalText(source), position: node.start }]
  })
}

function importSource(node: SyntaxNode): SyntaxNode | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return childNode(node, 'source')
    case 'TSExternalModuleReference':
      return childNode(node, 'expression')
    default:
      return undefined
  }
}

/**
 * Findings on the direction of imports under packages/ and apps/: upward or sideways imports,
 * imports around a package's entry or its dependencies, libraries in rooms that may not have them,
 * libp2p outside of the mesh, and cycles between files.
 */
export function findImportFaults(root: string): string[] {
  const files = listFiles(root)
  const workspaces = listWorkspaces(root, files)
  const tree = { root, workspaces, byName: new Map(workspaces.map((each) => [each.name, each])) }
  return workspaces.flatMap((workspace) => {
    const sources = files
      .filter((path) => path.startsWith(`${workspace.folder}/src/`) && path.endsWith('.ts'))
      .map((path) => parseFile(root, path))
    return [
      ...findManifestFaults(tree, workspace),
      ...sources.flatMap((file) =>
        importPlaces(file).flatMap((place) =>
          findPlaceFaults(tree, workspace, file, place).map(
            (fault) => `${at(file, place.position)} ${fault}`,
          ),
        ),
      ),
      ...findCycles(sources),
    ]
  })
}

interface Tree {
  readonly root: string
  readonly workspaces: readonly Workspace[]
  readonly byName: ReadonlyMap<string, Workspace>
}

function floorOf(folder: string): number {
  return floors.findIndex((rooms) => rooms.includes(folder))
}

function findManifestFaults({ root, byName }: Tree, workspace: Workspace): string[] {
  const { folder, dependencies } = workspace
  if (floorOf(folder) < 0) return [`${folder} has no floor in test/repo/imports.ts`]
  const below = [...dependencies].flatMap((name) => byName.get(name) ?? [])
  const upward = below
    .filter((other) => floorOf(other.folder) >= floorOf(folder))
    .map(
      (other) => `${folder}/package.json depends on ${other.name}, which does not stand below it`,
    )
  const listed = readJson(root, `${folder}/tsconfig.json`)['references']
  const references = (Array.isArray(listed) ? listed : []).map((each: Record<string, unknown>) =>
    join(folder, String(each['path'])),
  )
  const unbuilt = below
    .filter((other) => !references.includes(other.folder))
    .map((other) => `${folder}/tsconfig.json lacks the reference to ${other.folder}`)
  return [...upward, ...unbuilt]
}

function findPlaceFaults(
  tree: Tree,
  workspace: Workspace,
  file: ParsedFile,
  { specifier }: ImportPlace,
): string[] {
  const { folder } = workspace
  if (specifier === undefined) {
    return folder in pureLibraries ? ['imports a module by a computed name'] : []
  }
  if (specifier.startsWith('.')) return findRelativeFaults(folder, file.path, specifier)
  if (proofFile.test(file.path) && !belowProof.has(specifier)) {
    return [`imports ${specifier}, but proof is pure, and rests on pure packages alone`]
  }
  if (isBuiltin(specifier)) {
    if (
      !specifier.startsWith('node:') &&
      !workspace.dependencies.has(specifier.split('/')[0] ?? '')
    ) {
      return [`imports ${specifier} without the prefix node:`]
    }
    if (specifier.startsWith('node:')) {
      return withoutBuiltins.has(folder) ? [`imports ${specifier}, but runs in pages too`] : []
    }
  }
  const name = packageName(specifier)
  const other = tree.byName.get(name)
  if (other !== undefined) return findWorkspaceFaults(workspace, other, specifier)
  return findLibraryFaults(workspace, file.path, specifier, name)
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function findRelativeFaults(folder: string, from: string, specifier: string): string[] {
  const target = join(dirname(from), specifier)
  if (!target.startsWith(`${folder}/src/`)) {
    return [`imports ${specifier}, which lies outside of ${folder}/src`]
  }
  const fromMesh = from === meshFile || from.startsWith(meshFolder)
  if (target.startsWith(meshFolder) && !fromMesh) {
    return [`imports ${specifier}, which only mesh.ts and its files may import`]
  }
  if (proofFile.test(from) && !proofFile.test(target)) {
    return [`imports ${specifier}, but proof is pure and stands alone`]
  }
  return []
}

function findWorkspaceFaults(workspace: Workspace, other: Workspace, specifier: string): string[] {
  if (other === workspace) return [`imports ${specifier}, its own package, by name`]
  if (floorOf(other.folder) >= floorOf(workspace.folder)) {
    return [`imports ${specifier}, which does not stand below ${workspace.folder}`]
  }
  if (!workspace.dependencies.has(other.name)) {
    return [`imports ${specifier}, which ${workspace.folder}/package.json does not list`]
  }
  const entry = `.${specifier.slice(other.name.length)}`
  if (!(entry in member(other.manifest, 'exports'))) {
    return [`imports ${specifier}, which ${other.folder}/package.json does not export`]
  }
  return []
}

function findLibraryFaults(
  { folder, dependencies }: Workspace,
  from: string,
  specifier: string,
  name: string,
): string[] {
  const allowed = pureLibraries[folder]
  if (allowed !== undefined && !allowed.some((pattern) => matches(pattern, specifier))) {
    return [`imports ${specifier}, which is not among the libraries of ${folder}`]
  }
  if (meshLibrary.test(specifier) && from !== meshFile && !from.startsWith(meshFolder)) {
    return [`imports ${specifier}, which only mesh.ts and its files may import`]
  }
  if (!dependencies.has(name)) {
    return [`imports ${specifier}, which ${folder}/package.json does not list`]
  }
  return []
}

function matches(pattern: string, specifier: string): boolean {
  return pattern.endsWith('/*') ? specifier.startsWith(pattern.slice(0, -1)) : specifier === pattern
}

// One finding for each import that leads back to a file from which the walk came.
function findCycles(files: readonly ParsedFile[]): string[] {
  const targets = new Map(
    files.map((file) => [
      file.path,
      importPlaces(file)
        .flatMap(({ specifier }) => (specifier?.startsWith('.') ? [specifier] : []))
        .map((specifier) => join(dirname(file.path), specifier)),
    ]),
  )
  const done = new Set<string>()
  const faults: string[] = []
  const follow = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      faults.push(`${path} imports itself: ${[...trail.slice(start), path].join(' → ')}`)
      return
    }
    if (done.has(path)) return
    for (const target of targets.get(path) ?? []) follow(target, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) follow(path, [])
  return faults
}
