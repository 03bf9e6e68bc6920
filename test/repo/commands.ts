import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { namedScripts } from './readme.ts'
import { member, readJson, readText } from './tree.ts'

/** Findings on npm scripts: files and other scripts that they name and that do not exist. */
export function findScriptFaults(root: string): string[] {
  const scripts = member(readJson(root, 'package.json'), 'scripts')
  return Object.entries(scripts).flatMap(([name, command]) => {
    const text = String(command)
    const files = (text.match(/[\w./-]*\/[\w./-]+/g) ?? [])
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `the script "${name}" names ${path}, which does not exist`)
    const tools = (text.match(/\.ci\/[\w-]+/g) ?? [])
      .filter((path) => existsSync(join(root, path)) && !isExecutable(join(root, path)))
      .map((path) => `the script "${name}" runs ${path}, which is not executable`)
    const others = [...text.matchAll(/\bnpm (?:run )?([\w:-]+)/g)]
      .map((match) => match[1] ?? '')
      .filter((other) => !(other in scripts))
      .map((other) => `the script "${name}" runs "${other}", which does not exist`)
    return [...files, ...tools, ...others]
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false
    throw error
  }
}

/** Findings on `.ci/run`: it has to run a test command that the README tells its reader to run. */
export function findTestCommandFaults(root: string): string[] {
  const run = readText(root, '.ci/run')
  const told = namedScripts(readText(root, 'README.md'))
  const called = run
    .split('\n')
    .filter((line) => line.startsWith('npm '))
    .flatMap((line) => namedScripts(`\`${line}\``))
  if (called.length === 0) return ['.ci/run calls no npm script']
  return called
    .filter((name) => !told.includes(name))
    .map((name) => `.ci/run calls "${name}", which the README does not name`)
}

/** What a container runs. */
export interface ContainerCommand {
  /** The file that its entry point names: its own, or the Dockerfile's. */
  readonly program: string
  readonly words: readonly string[]
}

/** What each container of docker-compose.yml runs. */
export function containerCommands(root: string): Map<string, ContainerCommand> {
  const [shared = ''] =
    readText(root, 'Dockerfile').match(/(?<=^ENTRYPOINT .*")[\w./-]+\.ts/m) ?? []
  return new Map(
    Object.entries(services(root)).map(([name, service]) => {
      const [words, entrypoint] = [service['command'], service['entrypoint']].map((list) =>
        Array.isArray(list) ? list.map(String) : [],
      ) as [string[], string[]]
      return [name, { program: entrypoint.find((word) => word.endsWith('.ts')) ?? shared, words }]
    }),
  )
}

/** Findings on docker-compose.yml and the Dockerfile: what they name and does not exist. */
export function findContainerFaults(root: string): string[] {
  const all = services(root)
  const volumes = member(compose(root), 'volumes')
  const faults = Object.entries(all).flatMap(([name, service]) => {
    const found: string[] = []
    const build = service['build']
    if (build !== '.') found.push('is not built from the one Dockerfile')
    if (containerCommands(root).get(name)?.words.length === 0)
      found.push('has no list of words to run')
    const { program = '' } = containerCommands(root).get(name) ?? {}
    const isOwn = 'entrypoint' in service
    if (isOwn && !existsSync(join(root, program)))
      found.push(`runs ${program}, which does not exist`)
    for (const other of Object.keys(member(service, 'depends_on'))) {
      if (!(other in all)) found.push(`depends on ${other}, which does not exist`)
    }
    for (const mount of Array.isArray(service['volumes']) ? service['volumes'] : []) {
      const volume = String(mount).split(':')[0] ?? ''
      if (!(volume in volumes)) found.push(`mounts ${volume}, which does not exist`)
    }
    return found.map((fault) => `the service "${name}" ${fault}`)
  })
  return [...faults, ...findDockerfileFaults(root)]
}

function compose(root: string): Record<string, unknown> {
  const content: unknown = parse(readText(root, 'docker-compose.yml'), { merge: true })
  return member({ content }, 'content')
}

function services(root: string): Record<string, Record<string, unknown>> {
  const all = member(compose(root), 'services')
  return Object.fromEntries(Object.keys(all).map((name) => [name, member(all, name)]))
}

function findDockerfileFaults(root: string): string[] {
  const lines = readText(root, 'Dockerfile').split('\n')
  const copied = lines
    // What another stage has built is in no clone.
    .filter((line) => line.startsWith('COPY ') && !line.startsWith('COPY --from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
  const started = lines
    .filter((line) => line.startsWith('ENTRYPOINT '))
    .flatMap((line) => line.match(/[\w./-]+\.[tj]s/g) ?? [])
  const missing = [...copied, ...started]
    .filter((path) => !existsSync(join(root, path)))
    .map((path) => `the Dockerfile names ${path}, which does not exist`)
  return lines.some((line) => /^USER (?!root)\w+/.test(line))
    ? missing
    : [...missing, 'the Dockerfile runs as root']
}
