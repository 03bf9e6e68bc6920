import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** Where Debian puts servers is not on every user's path. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`
const env = { ...process.env, PATH }

/** A server of a peer, ended when it is disposed of. */
export interface RunningServer extends AsyncDisposable {
  readonly pid: number
}

/** Whether a program is installed, asked by a word that it answers and ends. */
export function hasProgram(program: string, word: string): boolean {
  return spawnSync(program, [word], { env }).error === undefined
}

/** Starts a server of a peer. @throws Error if it cannot be started */
export async function startServer(
  program: string,
  words: readonly string[],
): Promise<RunningServer> {
  const server = spawn(program, words, { stdio: 'ignore', env })
  const ended = once(server, 'exit')
  await once(server, 'spawn')
  return {
    pid: server.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      server.kill()
      await ended
    },
  }
}
