import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { member, readJson } from './tree.ts'

/** One fenced block of a Markdown file. */
export interface Block {
  /** The first word after the fence, such as `sh`; empty where there is none. */
  readonly language: string
  readonly text: string
  /** The line of the fence, from 1. */
  readonly line: number
}

/** Languages that are shown, not run. Another spelling of `sh` or `ts` would escape the test. */
const shownLanguages = new Set(['text', 'json', 'yaml', 'mermaid', 'cedar', 'dns'])
const runLanguages = new Set(['sh', 'ts'])

/**
 * Commands that are not run here, as they fetch, install or take minutes, or are this very test.
 * The scripts that they name are looked up instead.
 */
const longCommands: readonly RegExp[] = [
  /^git clone \S+( \S+)?$/,
  /^cd \S+$/,
  /^npm ci$/,
  /^npm (start|test)( .*)?$/,
  /^npm run ([\w:-]+)( .*)?$/,
  /^docker compose [\w -]+$/,
]

/** The fenced blocks of a Markdown text, in order. */
export function fencedBlocks(markdown: string): Block[] {
  const blocks: Block[] = []
  let open: { fence: string; language: string; line: number; lines: string[] } | undefined
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^\s*(```+|~~~+)\s*(\S*)/.exec(line)
    if (open === undefined) {
      if (fence === null) continue
      open = { fence: fence[1] ?? '', language: fence[2] ?? '', line: index + 1, lines: [] }
    } else if (line.trim().startsWith(open.fence) && fence?.[2] === '') {
      blocks.push({ language: open.language, line: open.line, text: `${open.lines.join('\n')}\n` })
      open = undefined
    } else open.lines.push(line)
  }
  if (open !== undefined)
    throw new Error(`Cannot read Markdown: line ${open.line} opens a block for ever`)
  return blocks
}

/** The npm scripts that a Markdown text tells its reader to run, in blocks and between backticks. */
export function namedScripts(markdown: string): string[] {
  const code = [
    ...fencedBlocks(markdown).map(({ text }) => text),
    ...[...markdown.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? ''),
  ].join('\n')
  const run = [...code.matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1] ?? '')
  const short = [...code.matchAll(/\bnpm (start|test)\b/g)].map((match) => match[1] ?? '')
  return [...new Set([...run, ...short])]
}

/** Findings on a Markdown text that can be made without running it. */
export function findReadmeFaults(root: string, markdown: string): string[] {
  const scripts = member(readJson(root, 'package.json'), 'scripts')
  const missing = namedScripts(markdown)
    .filter((name) => !(name in scripts))
    .map((name) => `names the script "${name}", which package.json does not have`)
  const escaped = fencedBlocks(markdown)
    .filter(({ language }) => !runLanguages.has(language) && !shownLanguages.has(language))
    .map(({ language, line }) => `line ${line} opens a block of "${language}", which nothing runs`)
  // The shell goes on after a failure on the left of &&, so it would pass unseen.
  const hidden = fencedBlocks(markdown)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line.includes(' && ') && !isLong(withoutComment(line)))
    .map((line) => `joins commands by &&, which would hide a failure: ${line.trim()}`)
  return [...missing, ...escaped, ...hidden]
}

/** How a run of a README's blocks ended. */
export interface ReadmeRun {
  /** The exit status of the first command that failed, else 0; undefined where time ran out. */
  readonly status: number | undefined
  /** What the commands wrote, with a line `block at line N` before each. */
  readonly output: string
  /** Files that the commands left in the root of the repository. */
  readonly leftovers: readonly string[]
}

/**
 * Runs every `sh` and `ts` block of a Markdown text, in order, in one shell that stops at the first
 * failure, from the root of the repository and with an empty home folder.
 * A `ts` block runs from source as a file of its own. A line that ends with ` &` runs until the end;
 * it fails the run if it has ended by itself with a failure before.
 */
export async function runReadme(
  root: string,
  markdown: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ReadmeRun> {
  // Inside of the repository, where `@ixj/…` is found; not in node_modules, where Node runs no types.
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'readme-'))
  const before = new Set(readdirSync(root))
  try {
    const home = join(folder, 'home')
    mkdirSync(home)
    const script = join(folder, 'readme.sh')
    writeFileSync(script, shellScript(folder, fencedBlocks(markdown)))
    const run = await runShell(root, script, home, options.signal)
    const leftovers = readdirSync(root).filter((name) => !before.has(name) && !name.startsWith('.'))
    return { ...run, leftovers }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function shellScript(folder: string, blocks: readonly Block[]): string {
  const lines = ['set -euo pipefail', 'readme_background=()']
  for (const { language, line, text } of blocks.filter((each) => runLanguages.has(each.language))) {
    lines.push(`echo "block at line ${line}"`)
    if (language === 'sh') lines.push(...shellLines(text))
    else {
      const file = join(folder, `block-${line}.ts`)
      writeFileSync(file, text)
      lines.push(`node --conditions=ixj:src '${file}'`)
    }
  }
  // `wait` gives the status of one that has ended.
  lines.push('for pid in "${readme_background[@]}"; do kill -0 "$pid" 2>&- || wait "$pid"; done')
  return `${lines.join('\n')}\n`
}

function shellLines(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const command = withoutComment(line)
    if (isLong(command)) return [`echo 'not run: ${command}'`]
    return command.endsWith(' &') ? [line, 'readme_background+=("$!")'] : [line]
  })
}

function withoutComment(line: string): string {
  return line.replace(/\s+#.*$/, '').trim()
}

function isLong(line: string): boolean {
  return line
    .split(' && ')
    .every((command) => longCommands.some((long) => long.test(command.trim())))
}

async function runShell(
  root: string,
  script: string,
  home: string,
  signal: AbortSignal | undefined,
): Promise<{ status: number | undefined; output: string }> {
  const own = dirname(process.execPath)
  const shell = spawn('bash', [script], {
    cwd: root,
    // A process group of its own, so that what it starts can be ended with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: [own, join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
      HOME: home,
      TMPDIR: home,
      XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? home, '.cache'),
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
    },
  })
  const written: string[] = []
  shell.stdout.setEncoding('utf8').on('data', (text: string) => written.push(text))
  shell.stderr.setEncoding('utf8').on('data', (text: string) => written.push(text))
  const { pid } = shell
  if (pid === undefined) throw new Error('Cannot start bash')
  const closed = once(shell, 'close')
  let status: number | undefined
  try {
    const [code] = (await once(shell, 'exit', signal === undefined ? {} : { signal })) as [
      number | null,
    ]
    status = code ?? undefined
  } catch (error) {
    if (signal?.aborted !== true) throw error
    written.push(`\nstopped: ${String(signal.reason)}\n`)
  } finally {
    endGroup(pid)
  }
  // The pipes end when the last process of the group has let go of them.
  await closed
  return { status, output: written.join('') }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: every process of the group has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
