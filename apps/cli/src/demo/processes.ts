import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { CommandError } from '../command-error.ts'
import type { DemoEvent, Role, ZoneRole } from './events.ts'

/** A process of the main job that its parent started. */
export interface RoleProcess extends AsyncDisposable {
  readonly role: Role | ZoneRole
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

/** Starts one process of the main job, with the program that runs now. */
export function startRole(
  role: Role | ZoneRole,
  options: {
    readonly mesh: string
    readonly root: string
    readonly program: readonly string[]
    readonly hear: (event: DemoEvent) => void
    readonly fail: (cause: Error) => void
  },
): RoleProcess {
  const [command, ...before] = options.program
  if (command === undefined) throw new Error('No program to start')
  const child = spawn(
    command,
    [...before, 'demo', 'licences', options.root, '--role', role, '--home', options.mesh],
    // The channel carries nothing: its end tells the process that its parent is gone.
    { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] },
  )
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
        const words = errors.trim().split('\n')[0] ?? ''
        const reason = `the process of ${role} ended with code ${code}: ${words}`
        options.fail(new CommandError('failed', `Cannot go on: ${reason}`))
      }
    })
    child.once('error', options.fail)
  })
  void readEvents(stdout, options.hear)
  return {
    role,
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

async function readEvents(stdout: Readable, hear: (event: DemoEvent) => void): Promise<void> {
  for await (const line of createInterface({ input: stdout })) {
    if (line.startsWith('{')) hear(JSON.parse(line) as DemoEvent)
  }
}
