import type { ConnectionEncrypter } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
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
  encrypter.secureInbound = (connection, options) => {
    gatherWrites(connection)
    return inbound(connection, options)
  }
  encrypter.secureOutbound = (connection, options) => {
    gatherWrites(connection)
    return outbound(connection, options)
  }
  return encrypter
}
