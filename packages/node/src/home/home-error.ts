/** What a home folder can fail with; keys that cannot be used are TrustError `key-file`. */
export type HomeCode =
  /** It is there already, and nothing is overwritten. */
  | 'exists'
  /** A file does not say what it should. */
  | 'malformed'
  /** A file, a name or a value passes a limit. */
  | 'too-large'
  /** A file or folder that decides whom to trust may be changed by others. */
  | 'unsafe-mode'
  /** A file of a later version. */
  | 'unsupported'
  /** Another process, or this one, uses the name already. */
  | 'in-use'
  /** The operating system refused to read or write. */
  | 'file'

/** A home folder could not be used as asked; `code` says why. */
export class HomeError extends Error {
  override readonly name = 'HomeError'
  readonly code: HomeCode

  constructor(code: HomeCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
