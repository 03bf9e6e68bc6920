import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { CommandError } from '../command-error.ts'

/** A process that its parent started. */
export interface ChildProcess extends AsyncDisposable {
  readonly pid: number
  /** Its exit: a code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Writes a line to its standard input. */
  write(line: string): void
}

/** How long a process may take to end after it was asked to. */
const END_MS = 3_000
/** Output of a process kept for an error: the end of it says why. */
const ERROR_CHARACTERS_MAX = 4_000

/** Starts a process. Disposing of it asks it to end, and ends it after {@link END_MS}. */
export function startChild(
  words: readonly string[],
  options: {
    /** What errors call it. */
    readonly label: string
    /** Each line that it writes to its standard output. */
    readonly hear: (line: string) => void
    /** It ended by itself, with a code that is none of success. */
    readonly fail: (cause: Error) => void
  },
): ChildProcess {
  const { label, hear, fail } = options
  const [command, ...rest] = words
  if (command === undefined) throw new Error('No program to start')
  // The channel carries nothing: its end tells the process that its parent is gone.
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] })
  let errors = ''
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null || stderr === null) throw new Error('No pipes to a process')
  stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-ERROR_CHARACTERS_MAX)
  })
  let ending = false
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 1)
      if (!ending && code !== 0 && signal === null) {
        const said = errors.trim().split('\n')[0] ?? ''
        const reason = `the process of ${label} ended with code ${code}: ${said}`
        fail(new CommandError('failed', `Cannot go on: ${reason}`))
      }
    })
    child.once('error', fail)
  })
  void readLines(stdout, hear)
  return {
    pid: child.pid ?? 0,
    ended,
    write: (line) => void stdin.write(`${line}\n`),
    [Symbol.asyncDispose]: async () => {
      ending = true
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
      await ended
      clearTimeout(timer)
    },
  }
}

async function readLines(stdout: Readable, hear: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stdout })) hear(line)
}
