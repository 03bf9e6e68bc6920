/**
 * What a form of ours is made of. Numbers are integers within ±(2^53 - 1); an encoded value has
 * exactly one byte string, and a byte string at most one value.
 */
export type Value = null | boolean | number | string | Uint8Array | readonly Value[]

/**
 * What a message's body may hold besides: floating-point numbers, and maps with text keys.
 * Its bytes are not unique (the order of keys, the width of a float): digests are over bytes.
 */
export type ApplicationValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly ApplicationValue[]
  | { readonly [key: string]: ApplicationValue }

/** How large an encoded value may be. */
export interface EncodingLimits {
  /** Default {@link ENCODED_BYTES_MAX}. */
  readonly bytesMax?: number
}
