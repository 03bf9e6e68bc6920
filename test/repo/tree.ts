import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of this checkout. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url))

const unkept = new Set(['.git', '.cache', '.vitest', 'node_modules', 'dist'])

/**
 * Paths of the files that belong to the repository, from its root, with forward slashes, sorted.
 * In a git checkout these are the tracked files and the new ones that git does not ignore;
 * elsewhere every file outside of build folders.
 */
export function listFiles(root: string): string[] {
  if (existsSync(join(root, '.git'))) {
    const listed = execFileSync(
      'git',
      ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
      { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    )
    const paths = listed.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))
    return [...new Set(paths)].toSorted()
  }
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, '/').length))
    .filter((path) => !path.split('/').some((part) => unkept.has(part)))
    .toSorted()
}

/** The text of one file of the tree. */
export function readText(root: string, path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** One JSON object of the tree; a bug in the file is thrown with the file's name. */
export function readJson(root: string, path: string): Record<string, unknown> {
  try {
    return JSON.parse(readText(root, path)) as Record<string, unknown>
  } catch (cause) {
    throw new Error(`Cannot read ${path} as JSON`, { cause })
  }
}

/** A member of a JSON object that is itself an object; an absent one is empty. */
export function member(object: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = object[key]
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** A folder of packages/ or apps/ that has a package.json. */
export interface Workspace {
  /** From the root, such as `packages/names`. */
  readonly folder: string
  /** The package's name, such as `@ixj/names`. */
  readonly name: string
  /** Names of the packages it needs at run time. */
  readonly dependencies: ReadonlySet<string>
  readonly manifest: Record<string, unknown>
}

/** The workspaces of a tree, in the order of their folders. */
export function listWorkspaces(root: string, files = listFiles(root)): Workspace[] {
  return files
    .filter((path) => /^(packages|apps)\/[^/]+\/package\.json$/.test(path))
    .map((path) => {
      const manifest = readJson(root, path)
      return {
        folder: dirname(path),
        name: String(manifest['name']),
        dependencies: new Set(Object.keys(member(manifest, 'dependencies'))),
        manifest,
      }
    })
}

/** A temporary tree in which a test plants a fault; leaving the scope removes it. */
export interface FixtureTree extends Disposable {
  readonly root: string
}

/** Writes a tree of the given files, by their paths, into a fresh temporary folder. */
export function fixtureTree(files: Readonly<Record<string, string>>): FixtureTree {
  const root = mkdtempSync(join(tmpdir(), 'ixj-tree-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return {
    root,
    [Symbol.dispose]() {
      rmSync(root, { recursive: true, force: true })
    },
  }
}
