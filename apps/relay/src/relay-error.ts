/** What a relay can fail with. */
export type RelayCode =
  /** A setting is missing, unknown, malformed or does not fit another. */
  | 'configuration'
  /** Its address and port cannot be had. */
  | 'listen'
  /** The files of its certificate cannot be read, or do not fit. */
  | 'certificate'
  /** The web page cannot be read, or is too large. */
  | 'page'

/** A relay could not do what it was asked to; `code` says why. */
export class RelayError extends Error {
  override readonly name = 'RelayError'
  readonly code: RelayCode
  /** For `configuration`: one for each setting that is wrong. */
  readonly problems: readonly string[]

  constructor(
    code: RelayCode,
    message: string,
    options: ErrorOptions & { readonly problems?: readonly string[] } = {},
  ) {
    super(message, options)
    this.code = code
    this.problems = options.problems ?? [message]
  }
}
