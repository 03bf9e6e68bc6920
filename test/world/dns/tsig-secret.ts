import { randomBytes } from 'node:crypto'
import { parseDnsName, type TsigKey } from '@ixj/dns'

/** A fresh key for transaction signatures. */
export function newTsigKey(name: string, algorithm: TsigKey['algorithm'] = 'hmac-sha256'): TsigKey {
  return { name: parseDnsName(name), algorithm, secret: Uint8Array.from(randomBytes(32)) }
}

/** Its secret as servers have it in their configuration. */
export function secretText(key: TsigKey): string {
  return Buffer.from(key.secret).toString('base64')
}

/** The key as the `-y` of dig, nsupdate, kdig and knsupdate takes it. */
export function keyArgument(key: TsigKey): string {
  return `${key.algorithm}:${key.name}:${secretText(key)}`
}
