import type { ConnectionEncrypter } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import type { Uint8ArrayList } from 'uint8arraylist'
import { gatherWrites } from './gathered-writes.ts'
import { nodeNoiseCipher, type NoiseCipher } from './noise-cipher.ts'

type Components = Parameters<ReturnType<typeof noise>>[0]

/** noise, with a cipher and with writes that cost less; on the wire it is the same. */
export function noiseOverTcp(components: Components): ConnectionEncrypter {
  const encrypter = noise()(components)
  const { crypto } = encrypter as unknown as { readonly crypto?: Partial<NoiseCipher> }
  if (crypto?.encrypt === undefined || crypto.decrypt === undefined) {
    throw new Error('This noise is not the one that is pinned: it has no cipher')
  }
  Object.assign(crypto, nodeNoiseCipher())
  const inbound = encrypter.secureInbound.bind(encrypter)
  const outbound = encrypter.secureOutbound.bind(encrypter)
  encrypter.secureInbound = async (connection, options) => {
    gatherWrites(connection)
    return withCheapFrames(await inbound(connection, options))
  }
  encrypter.secureOutbound = async (connection, options) => {
    gatherWrites(connection)
    return withCheapFrames(await outbound(connection, options))
  }
  return encrypter
}

/** What opens frames in a secured connection of noise (17.0.3, pinned). */
interface FrameOpener {
  readonly decoder: { lengthDecoder(bytes: Lengths): number }
  readonly handshake: { decrypt(sealed: Uint8ArrayList): Uint8Array }
  decrypt(sealed: Uint8ArrayList): Uint8Array
}

/** Bytes as they came, from which a length of two bytes is read. */
type Lengths = Pick<Uint8ArrayList, 'byteLength' | 'get'>

/** Of a frame whose length has not come: more than a length of two bytes tells, and not there yet. */
const UNKNOWN_LENGTH = 65_536

/**
 * noise looks for a further frame behind the last one of each packet, and learns by an error that
 * there is none; to make and throw one takes 70 µs where that happens 100 times a second. A frame that
 * is longer than what has come is waited for as well, without one. And it copies each frame that came
 * in several packets, as room for what the cipher opens: ours makes its own.
 */
function withCheapFrames<Secured extends { readonly connection: unknown }>(
  secured: Secured,
): Secured {
  const connection = secured.connection as Partial<FrameOpener>
  const { decoder, handshake, decrypt } = connection
  if (decoder?.lengthDecoder === undefined || decrypt === undefined || handshake === undefined) {
    throw new Error('This noise is not the one that is pinned: it opens no frames')
  }
  decoder.lengthDecoder = (bytes) => {
    if (bytes.byteLength < 2) return UNKNOWN_LENGTH
    return bytes.get(0) * 256 + bytes.get(1)
  }
  connection.decrypt = (sealed) => handshake.decrypt(sealed)
  return secured
}
