import { vi } from 'vitest'
import { runProgram } from '../src/program.ts'
import type { Outcome } from './program-bench.ts'

/**
 * Runs a command in this process, where it needs no process of its own: a twentieth of the time.
 * One at a time, since both streams are the process's.
 */
export async function runHere(words: readonly string[]): Promise<Outcome> {
  const written = { stdout: [] as string[], stderr: [] as string[] }
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk: string | Uint8Array): boolean => {
      written[stream].push(String(chunk))
      return true
    }),
  )
  try {
    const code = await runProgram(words)
    return { code, stdout: written.stdout.join(''), stderr: written.stderr.join('') }
  } finally {
    process.exitCode = undefined
    for (const spy of spies) spy.mockRestore()
  }
}

/** Runs commands that have one home, and have to succeed unless a code is named. */
export function commandsOf(home: string) {
  const run = (...words: readonly string[]) => runHere(['--home', home, ...words])
  return {
    run,
    /** The standard output of a command that has to succeed. */
    done: async (...words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(...words)
      if (code !== 0) throw new Error(`ixj ${words.join(' ')} ended with ${code}: ${stderr}`)
      return stdout
    },
    /** The error of a command that has to fail: its exit code and its own code. */
    refused: async (...words: readonly string[]) => {
      const { code, stderr } = await run(...words, '--json')
      const last = stderr.trimEnd().split('\n').at(-1) ?? ''
      const { error } = JSON.parse(last) as { error: { code: string; message: string } }
      return { exit: code, ...error }
    },
  }
}
