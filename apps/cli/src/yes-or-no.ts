import { createInterface } from 'node:readline'

/** Answers that are typed ahead in a pipe; a script that writes more has lost its way. */
const ANSWERS_MAX = 1_024

/** Reads y or n from the standard input, one line for each question. */
export interface YesOrNo extends AsyncDisposable {
  /** Whether the answer was yes; no at the end of the input, and when the signal is aborted. */
  ask(prompt: string, signal: AbortSignal): Promise<boolean>
}

/**
 * Opens the standard input. What stood in a terminal before a question was asked is no answer to
 * it; lines of a pipe are answers in their order.
 */
export function openYesOrNo(options: { readonly isTerminal: boolean }): YesOrNo {
  const { isTerminal } = options
  const lines = createInterface({ input: process.stdin, terminal: false })
  const ahead: string[] = []
  let waiting: ((line: string | undefined) => void) | undefined
  let ended = false
  lines.on('line', (line) => {
    if (waiting !== undefined) waiting(line)
    else if (!isTerminal && ahead.length < ANSWERS_MAX) ahead.push(line)
  })
  lines.on('close', () => {
    ended = true
    waiting?.(undefined)
  })
  return {
    ask: async (prompt, signal) => {
      if (isTerminal) process.stderr.write(prompt)
      const line = await new Promise<string | undefined>((resolve) => {
        const end = () => waiting?.(undefined)
        waiting = (answer) => {
          waiting = undefined
          signal.removeEventListener('abort', end)
          resolve(answer)
        }
        const first = ahead.shift()
        if (first !== undefined || ended || signal.aborted) waiting(first)
        else signal.addEventListener('abort', end, { once: true })
      })
      if (line === undefined && isTerminal) process.stderr.write('\n')
      return line !== undefined && /^\s*y(es)?\s*$/i.test(line)
    },
    [Symbol.asyncDispose]: async () => {
      lines.close()
      // Or a pipe that stays open would keep the process alive.
      process.stdin.destroy()
    },
  }
}
