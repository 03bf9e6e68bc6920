// The parts of the platform that pure packages may use besides the language itself. They are built
// without the types of Node and of pages, so `process`, timers or `fetch` do not even type-check.

/** Tells what waits to stop. Its `timeout` is left out: time is an argument. */
declare class AbortSignal {
  private constructor()
  static abort(reason?: unknown): AbortSignal
  static any(signals: Iterable<AbortSignal>): AbortSignal
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(
    event: 'abort',
    listener: () => void,
    options?: { readonly once?: boolean },
  ): void
  removeEventListener(event: 'abort', listener: () => void): void
}

/** Owns one signal. */
declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}

/** Text to UTF-8. */
declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
}

/** UTF-8 to text; with `fatal` it throws a TypeError on bytes that are not UTF-8. */
declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean })
  decode(bytes?: Uint8Array): string
}
