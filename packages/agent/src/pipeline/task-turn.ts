/** One time that a task is handed out. */
export interface TaskTurn {
  /** 1; more after a handler failed, or the process ended before it was done. */
  readonly attempt: number
  /** Whether it is not done, has not ended, and was not handed out again since. */
  isCurrent(): boolean
  /** Resolves when it is stored that it is never handed out again. */
  done(): Promise<void>
  /** The same for what no handler sees: a store that fails is told to the node's decisions. */
  end(): void
  /** It is handed out again. */
  fail(): void
  /** No handler got it, since too many waited: it is handed out later, as if for the first time. */
  postpone(): void
}
