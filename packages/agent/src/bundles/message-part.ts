/** One message inside a bundle: `[id, correlation | nil, contentType | nil, body]`. */
export interface MessagePart {
  /** 16 bytes that stay the same on every retry. */
  readonly id: Uint8Array
  /** 48 bytes, bundle id ‖ message id of the request that this answers. */
  readonly correlation: Uint8Array | null
  readonly contentType: string | null
  /** An encoded application value, or what the content type says. */
  readonly body: Uint8Array
}

/** Messages in the bytes that they have in a bundle, one after the other. */
export interface PackedMessages {
  readonly count: number
  readonly bytes: Uint8Array
  /** The same with its head in front, if it was made so: all that a bundle of nothing else needs. */
  readonly list?: Uint8Array
}

/** Bytes of a message id. */
export const MESSAGE_ID_BYTES = 16
/** Bytes of a correlation: bundle id and message id. */
export const CORRELATION_BYTES = 48
