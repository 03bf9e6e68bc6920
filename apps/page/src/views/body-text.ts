import type { ApplicationValue } from '@ixj/trust'
import { toHex } from '@ixj/trust'

/**
 * A body as text, whole and as it is: bytes in hexadecimal, and what a reader would not see, or see
 * elsewhere than where it stands, as `\u{…}`.
 */
export function bodyText(body: ApplicationValue): string {
  if (typeof body === 'string') return visible(body)
  return visible(
    JSON.stringify(
      body,
      (_, value: unknown) => (value instanceof Uint8Array ? `0x${toHex(value)}` : value),
      1,
    ),
  )
}

/** Text of others, with every control, format and invisible character but the line's end told. */
export function visible(text: string): string {
  return text.replace(
    /[^\P{C}\n]|[\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gv,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
}
