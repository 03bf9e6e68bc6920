import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A package.json larger than this is not read: it is no description any more. */
const PACKAGE_BYTES_MAX = 1024 * 1024
/** Licence files larger than this are named and not read. */
const LICENCE_FILE_BYTES_MAX = 1024 * 1024
/** Folders that one count takes in. */
export const FOLDERS_MAX = 100_000
/** What a licence's text may hold: SPDX expressions stay far below. */
const LICENCE_LENGTH_MAX = 200

/** A package without a licence string, or with none that can be read. */
export const NO_LICENCE = '(none)'
/** A package.json that cannot be read as one. */
export const UNREADABLE = '(unreadable)'

/** What stands in one installed package's folder. */
export interface PackageLicence {
  /** Below the folder that is counted, with `/`. */
  readonly folder: string
  readonly name: string
  readonly version: string
  /** The string `license`, or `license.type`, as written. */
  readonly licence: string
  /** Licence files beside it, each with the SHA-256 of its text in hex, null if it was not read. */
  readonly files: readonly (readonly [name: string, sha256: string | null])[]
}

/**
 * Every installed package below a `node_modules` folder: `NAME` and `@SCOPE/NAME` with a
 * package.json, nested ones too. Links are not followed. Paths rise.
 * @throws Error past {@link FOLDERS_MAX}
 */
export async function findPackages(root: string): Promise<readonly string[]> {
  const found: string[] = []
  const open = ['']
  for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
    for (const entry of await readFolders(join(root, prefix))) {
      const path = prefix === '' ? entry : `${prefix}/${entry}`
      const folders = entry.startsWith('@')
        ? (await readFolders(join(root, path))).map((name) => `${path}/${name}`)
        : [path]
      for (const folder of folders) {
        if (await isFile(join(root, folder, 'package.json'))) found.push(folder)
        if (await isFolder(join(root, folder, 'node_modules'))) open.push(`${folder}/node_modules`)
      }
      if (found.length > FOLDERS_MAX)
        throw new Error(`More than ${FOLDERS_MAX} packages in ${root}`)
    }
  }
  return found.toSorted()
}

/** Reads one package's folder: its package.json and its licence files. */
export async function readPackage(root: string, folder: string): Promise<PackageLicence> {
  const described = await readDescription(join(root, folder, 'package.json'))
  const files: [string, string | null][] = []
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  for (const entry of entries.filter((each) => each.isFile() && isLicenceFile(each.name))) {
    files.push([entry.name, await digestOf(join(root, folder, entry.name))])
  }
  return {
    folder,
    ...described,
    files: files.toSorted(([left], [right]) => (left < right ? -1 : 1)),
  }
}

function isLicenceFile(name: string): boolean {
  return /^(licen[cs]e|copying|notice)/i.test(name)
}

async function readDescription(
  path: string,
): Promise<Pick<PackageLicence, 'name' | 'version' | 'licence'>> {
  const unreadable = { name: UNREADABLE, version: '', licence: UNREADABLE }
  if ((await stat(path)).size > PACKAGE_BYTES_MAX) return unreadable
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    if (cause instanceof SyntaxError) return unreadable
    throw cause
  }
  if (typeof value !== 'object' || value === null) return unreadable
  const description = value as Readonly<Record<string, unknown>>
  return {
    name: textOf(description['name']) ?? '',
    version: textOf(description['version']) ?? '',
    licence: licenceOf(description['license']),
  }
}

function licenceOf(field: unknown): string {
  const type: unknown =
    typeof field === 'object' && field !== null ? (field as { type?: unknown }).type : field
  return textOf(type) ?? NO_LICENCE
}

function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  return value.slice(0, LICENCE_LENGTH_MAX)
}

async function digestOf(path: string): Promise<string | null> {
  if ((await stat(path)).size > LICENCE_FILE_BYTES_MAX) return null
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

async function readFolders(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  // isDirectory() is false for links, so none is followed.
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

async function isFile(path: string): Promise<boolean> {
  return (await entryOf(path))?.isFile() ?? false
}

async function isFolder(path: string): Promise<boolean> {
  return (await entryOf(path))?.isDirectory() ?? false
}

async function entryOf(path: string) {
  try {
    return await lstat(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}
