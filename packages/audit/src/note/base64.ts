import { fromBase64url, toBase64url } from '@ixj/trust'

/** Bytes in standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/**
 * The bytes of standard base64 with padding (RFC 4648 section 4), one text for each byte string.
 * @throws TrustError `encoding`
 */
export function fromBase64(text: string): Uint8Array {
  // What is no base64 at all is handed on as it is, to be refused with its place.
  const form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
  if (!form.test(text)) return fromBase64url(`=${text}`)
  return fromBase64url(text.replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_'))
}
