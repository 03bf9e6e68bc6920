import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Task } from './scale-process.ts'

const PROGRAM = fileURLToPath(new URL('./scale-process.ts', import.meta.url))
/** Several times what the longest took; a process that hangs must not keep a whole run. */
const TASK_MS_MAX = 420_000
/** 100,000 agents that listen take some 3 GiB. */
const HEAP_MIB = 12_288

/**
 * Measures something in a process of its own, and hands on what it says meanwhile.
 * @throws Error if the process fails, or takes longer than seven minutes; its words are in the progress
 */
export async function runTask<T>(task: Task, progress: (line: string) => void): Promise<T> {
  const options = [`--max-old-space-size=${HEAP_MIB}`, '--expose-gc', '--conditions=ixj:src']
  const child = spawn(process.execPath, [...options, PROGRAM, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(TASK_MS_MAX),
  })
  createInterface({ input: child.stderr }).on('line', progress)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [found, status] = await Promise.all([text(child.stdout), ended])
  if (status !== 0) throw new Error(`Cannot measure ${task.kind}: its process ended with ${status}`)
  return JSON.parse(found) as T
}
