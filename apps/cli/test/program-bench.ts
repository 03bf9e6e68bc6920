import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { issueTo } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock } from '@ixj/node/home'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { grantArgument } from '../src/grant-argument.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** What a command ended with. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One object a line of a text. */
export function records(text: string): readonly Record<string, unknown>[] {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** The real program in real processes, with a home folder of its own. */
export class ProgramBench implements AsyncDisposable {
  readonly folder: string
  readonly #running = new Set<RunningProgram>()

  /** Use {@link openProgramBench}. */
  constructor(folder: string) {
    this.folder = folder
  }

  /** Runs a command to its end; `~` is a folder of the bench. */
  async run(words: readonly string[], options: { readonly input?: string } = {}): Promise<Outcome> {
    const program = this.start(words)
    program.child.stdin.end(options.input ?? '')
    return await program.end()
  }

  /** Runs a command that has to succeed; gives its standard output. */
  async done(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(words)
    if (code !== 0) throw new Error(`ixj ${words.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }

  /** Starts a command that goes on. */
  start(words: readonly string[]): RunningProgram {
    const child = spawn(process.execPath, ['--conditions=ixj:src', main, ...words], {
      stdio: 'pipe',
      cwd: this.folder,
      env: {
        ...process.env,
        HOME: this.folder,
        FORCE_COLOR: '1',
        // Node warns on standard error where both are set, as continuous integration may do.
        NO_COLOR: undefined,
        // Compiled once for all the processes of a test: a third of their time.
        NODE_COMPILE_CACHE: join(this.folder, '.compiled'),
      },
    })
    const program = new RunningProgram(child)
    this.#running.add(program)
    child.once('exit', () => this.#running.delete(program))
    return program
  }

  /**
   * An organisation that trusts itself, and names of it, each with its grants as in `ixj bind
   * --grant`. Made without the program, which would take half a second for each step.
   */
  async organisation(names: Readonly<Record<string, readonly string[]>> = {}): Promise<void> {
    const home = await openHome(join(this.folder, '.ixj'))
    const acme = parseName('acme.example')
    const signer = await home.createKey(acme)
    const anchor = { name: acme, keys: [signer.publicKey], purposes: PURPOSES }
    await home.writeAnchors(new AnchorSet([anchor]))
    for (const [nameText, grants] of Object.entries(names)) {
      const name = parseName(nameText)
      const { publicKey } = await home.createKey(name)
      const options = { lifetimeSeconds: 3_600, grants: grants.map((each) => grantArgument(each)) }
      const statements = await issueTo(
        { name: acme, signer, statements: [] },
        { name, key: publicKey },
        options,
        { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
      )
      await home.writeStatements(name, statements)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#running) {
      program.child.kill('SIGKILL')
      await program.end()
    }
    await rm(this.folder, { recursive: true })
  }
}

/** A process of the program that has not ended. */
export class RunningProgram {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #ended: Promise<number | null>
  readonly #lines: { readonly stdout: string[]; readonly stderr: string[] }
  #heard = Promise.withResolvers<void>()

  constructor(child: RunningProgram['child']) {
    this.child = child
    this.#lines = { stdout: [], stderr: [] }
    for (const stream of ['stdout', 'stderr'] as const) {
      createInterface(child[stream]).on('line', (line) => {
        this.#lines[stream].push(line)
        this.#heard.resolve()
      })
    }
    this.#ended = once(child, 'close').then(([code]) => {
      this.#heard.resolve()
      return code as number | null
    })
  }

  /** The first line of a stream, from the beginning, that has this text. */
  async line(stream: 'stdout' | 'stderr', text: string): Promise<string> {
    for (;;) {
      const found = this.#lines[stream].find((line) => line.includes(text))
      if (found !== undefined) return found
      if (this.child.exitCode !== null) {
        throw new Error(
          `It ended with ${this.child.exitCode}, without "${text}": ${this.#lines.stderr.join('\n')}`,
        )
      }
      await this.#heard.promise
      this.#heard = Promise.withResolvers()
    }
  }

  /** Asks it to end, and waits. */
  async stop(signal: 'SIGINT' | 'SIGTERM'): Promise<Outcome> {
    this.child.kill(signal)
    return await this.end()
  }

  /** What it ended with. */
  async end(): Promise<Outcome> {
    const code = await this.#ended
    const { stdout, stderr } = this.#lines
    return { code, stdout: joined(stdout), stderr: joined(stderr) }
  }
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** Opens a bench with an empty folder as home. */
export async function openProgramBench(): Promise<ProgramBench> {
  return new ProgramBench(await mkdtemp(join(tmpdir(), 'ixj-cli-')))
}
