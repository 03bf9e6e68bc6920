import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles, member, readJson } from './tree.ts'

// Put together from parts, so that this file does not find itself.
const folders = ['root', 'work', 'tmp', 'home', 'Users', 'var/tmp'].join('|')
const machinePath = new RegExp(
  String.raw`((?<![\w./@*~})\]-])|(?<=file://))/(${folders})(?=[/\s"'\x60)\],:;]|$)`,
)
const registryHost = new RegExp(
  [
    String.raw`registry\.(npmjs|yarnpkg|npmmirror)\.\w+`,
    String.raw`npm\.(pkg\.github|jsr)\.\w+`,
    String.raw`//[\w.-]+/(repository|artifactory|api/npm)/`,
    String.raw`^\s*(@\w+:)?registry\s*=`,
    '_auth' + 'Token',
  ].join('|'),
)

/**
 * Findings on text files that carry the machine they were written on: absolute folders of one
 * person's machine, hosts of package registries. The lock file may name workspaces, no host.
 */
export function findMachineTraces(root: string): string[] {
  return listFiles(root).flatMap((path) => {
    if (path.endsWith('package-lock.json')) return findLockedHosts(root, path)
    const bytes = readFileSync(join(root, path))
    if (bytes.includes(0)) return []
    return bytes
      .toString('utf8')
      .split('\n')
      .flatMap((line, index) => {
        const found = machinePath.exec(line) ?? registryHost.exec(line)
        return found === null ? [] : [`${path}:${index + 1} names "${found[0].trim()}"`]
      })
  })
}

function findLockedHosts(root: string, path: string): string[] {
  const packages = member(readJson(root, path), 'packages')
  return Object.keys(packages).flatMap((name) => {
    const entry = member(packages, name)
    const resolved = entry['resolved']
    if (typeof resolved !== 'string' || entry['link'] === true) return []
    return [`${path} says where "${name}" comes from: ${resolved}`]
  })
}
