/** A signal that ends with another one, or in time; disposing it leaves no timer behind. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/** Follows `outer` for at most `ms`, then aborts with `reason`. */
export function openDeadline(
  outer: AbortSignal,
  options: { readonly ms: number; readonly reason: () => Error },
): Deadline {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(options.reason()), options.ms)
  const detach = onAbort(outer, () => controller.abort(outer.reason))
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      detach()
    },
  }
}

/** Calls back when a signal aborts, at once if it did already; the result takes that back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback()
    return () => {}
  }
  signal.addEventListener('abort', callback, { once: true })
  return () => signal.removeEventListener('abort', callback)
}
