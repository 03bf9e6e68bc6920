/** Why a page cannot be a node, each with one remedy. */
export type BrowserCode =
  /** Another tab or worker of this origin has the name open. */
  | 'in-use'
  /** IndexedDB refused: no room, a private window that has none, or a database of a later version. */
  | 'storage'
  /** The name has no statements here yet: it has not been enrolled. */
  | 'not-enrolled'
  /** A link would have the name trust another root than it does here. */
  | 'enrolled'
  /** The browser lacks something that keys need: Ed25519 or X25519 in WebCrypto, or Web Locks. */
  | 'unsupported'
  /** The server that was asked did not answer, or refused; or a part of this code did not come. */
  | 'unreachable'

/** A page could not be a node; `code` says why. */
export class BrowserError extends Error {
  override readonly name = 'BrowserError'
  readonly code: BrowserCode

  constructor(code: BrowserCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
