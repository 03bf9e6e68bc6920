import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Starts a program of this folder, which tells what it has to tell by messages. */
export function start(
  file: string,
  words: readonly (string | number)[],
  flags: readonly string[] = [],
): ChildProcess {
  const program = fileURLToPath(new URL(file, import.meta.url))
  const command = [...flags, '--conditions=ixj:src', program, ...words.map(String)]
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
  return spawn(process.execPath, command, { stdio: [...stdio] })
}

/** The next thing that a process tells. @throws Error when it ends before */
export async function told<T>(child: ChildProcess): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const ended = () => reject(new Error('A process of this row has ended'))
  child.once('exit', ended)
  const [message] = (await Promise.race([once(child, 'message'), promise])) as [T]
  child.off('exit', ended)
  return message
}
