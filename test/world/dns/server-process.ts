import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** A real server on 127.0.0.1, in a folder of its own; disposing ends it and deletes the folder. */
export interface RunningServer extends AsyncDisposable {
  readonly address: '127.0.0.1'
  readonly port: number
  readonly folder: string
  readonly pid: number
  /** What it has written so far. */
  log(): Promise<string>
  /** Ends it at once, as a crash would; the folder stays. */
  kill(): Promise<void>
  /** Starts it again after {@link kill}, on the same port and folder. */
  restart(): Promise<void>
}

/** How to start one. */
export interface ServerPlan {
  readonly program: string
  /** Extra ports beside the main one, each free over UDP and TCP. */
  readonly morePorts?: number
  /** Files of its folder by path, for the ports that were found. A path that ends in `/` is a folder. */
  readonly files: (folder: string, ports: readonly number[]) => Readonly<Record<string, string>>
  /** Its arguments; it has to stay in the foreground and log to its standard error. */
  readonly args: (folder: string) => readonly string[]
  /** Whether it answers as it should; an error counts as no. */
  readonly ready: (port: number) => Promise<boolean>
}

const UNPRIVILEGED = 12_345
const STARTS_MAX = 3
const READY_MS_MAX = 10_000
const BETWEEN_TRIES_MS = 15
const portTaken = /address already in use|address in use|cannot bind|can't bind/i

/** Starts a server and waits until it answers. Rejects with its log if it does not. */
export async function startServer(plan: ServerPlan): Promise<RunningServer> {
  for (let starts = 1; ; starts++) {
    const folder = await mkdtemp(join(tmpdir(), `ixj-${plan.program}-`))
    const ports = await freePorts(1 + (plan.morePorts ?? 0))
    const server = new ServerProcess(plan, folder, ports)
    try {
      await layOut(folder, plan.files(folder, ports))
      await server.restart()
      return server
    } catch (error) {
      const log = await server.log()
      await server[Symbol.asyncDispose]()
      // Between finding a port and taking it, another test may have taken it.
      if (starts < STARTS_MAX && portTaken.test(log)) continue
      throw new Error(`Cannot start ${plan.program}; its log:\n${log}`, { cause: error })
    }
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

/** Root hands the folder to the user that the server will be. */
async function layOut(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path)
    if (path.endsWith('/')) await mkdir(target, { recursive: true })
    else {
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, content)
    }
  }
  if (!isRoot()) return
  await chown(folder, UNPRIVILEGED, UNPRIVILEGED)
  for (const path of await readdir(folder, { recursive: true })) {
    await chown(join(folder, path), UNPRIVILEGED, UNPRIVILEGED)
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** The server dies with the test that started it, and is never root. */
function commandOf(plan: ServerPlan, folder: string): readonly [string, readonly string[]] {
  const program = [plan.program, ...plan.args(folder)]
  const user = `${UNPRIVILEGED}`
  const wrapped = isRoot()
    ? ['--reuid', user, '--regid', user, '--clear-groups', '--pdeathsig', 'KILL', '--', ...program]
    : ['--pdeathsig', 'KILL', '--', ...program]
  return ['setpriv', wrapped]
}

class ServerProcess implements RunningServer {
  readonly address = '127.0.0.1'
  readonly port: number
  readonly folder: string
  readonly #plan: ServerPlan
  #child: ChildProcess | undefined

  constructor(plan: ServerPlan, folder: string, ports: readonly number[]) {
    this.#plan = plan
    this.folder = folder
    this.port = ports[0]!
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error(`${this.#plan.program} does not run`)
    return pid
  }

  async log(): Promise<string> {
    return await readFile(this.#logFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
  }

  get #logFile(): string {
    return join(this.folder, 'server.log')
  }

  async restart(): Promise<void> {
    const log = openSync(this.#logFile, 'a')
    const [command, args] = commandOf(this.#plan, this.folder)
    // A group of its own: some servers are several processes, and all of them have to end.
    const child = spawn(command, args, {
      cwd: this.folder,
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: serverPath() },
    })
    closeSync(log)
    await once(child, 'spawn')
    this.#child = child
    await this.#untilReady(child)
  }

  async #untilReady(child: ChildProcess): Promise<void> {
    let last: unknown
    for (const end = performance.now() + READY_MS_MAX; performance.now() < end;) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`It ended: ${child.exitCode ?? child.signalCode}`)
      }
      try {
        if (portTaken.test(await this.log())) throw new Error('Its port was taken')
        if (await this.#plan.ready(this.port)) return
        last = undefined
      } catch (error) {
        last = error
      }
      await pause(BETWEEN_TRIES_MS)
    }
    throw new Error(`It did not answer within ${READY_MS_MAX} ms`, { cause: last })
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Debian keeps servers in folders that a user's PATH leaves out. */
export function serverPath(): string {
  return `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin:/usr/local/sbin`
}
