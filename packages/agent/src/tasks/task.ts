import { messageFields, type Message } from '../patterns/message.ts'
import type { TaskTurn } from '../pipeline/task-turn.ts'

/**
 * A message of class `task`, from its sender until its handler is through with it. It was
 * acknowledged already; what is not `done` is handed out again when the agent is opened the next
 * time, within its lifespan.
 */
export interface Task extends Message {
  /** 1; more after its handler failed, or the process ended before it was done. */
  readonly attempt: number
  /** Resolves when it is safe that it is never handed out again. Calling it twice is fine. */
  done(): Promise<void>
  /** Its handler failed: it is handed out again after 1 s, 2 s, 4 s, 8 s, and then given up. */
  fail(): void
}

/** A message of class `task` for its handler. */
export function taskOf(message: Message, turn: TaskTurn): Task {
  const { attempt } = turn
  return { ...messageFields(message), attempt, done: () => turn.done(), fail: () => turn.fail() }
}
