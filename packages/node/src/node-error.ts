/** What opening or using a node can fail with, beyond what homes, trust and transports say. */
export type NodeCode =
  /** An address to listen on is no address, or cannot be had. */
  | 'listen'
  /** An address to dial is no address. */
  | 'address'

/** A node could not do what it was asked to; `code` says why. */
export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: NodeCode

  constructor(code: NodeCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
