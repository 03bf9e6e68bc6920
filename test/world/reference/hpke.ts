import { AgentError, type OpeningKey, type Sealer, type SharedKey } from '@ixj/agent'
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto'

/*
 * HPKE in base mode as RFC 9180 writes it down, for one suite: DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256, AES-256-GCM, one message for each context. A second implementation, to compare the
 * library's with, and one that answers at once, for tests in virtual time.
 */

const KEM_SUITE = Buffer.from('KEM\x00\x20', 'latin1')
const HPKE_SUITE = Buffer.from('HPKE\x00\x20\x00\x01\x00\x02', 'latin1')
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')
const NONE = Buffer.alloc(0)

type Bytes = Uint8Array

// Section 4: LabeledExtract and LabeledExpand.
function extract(suite: Bytes, salt: Bytes, label: string, secret: Bytes): Buffer {
  const input = Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(label), secret])
  return createHmac('sha256', salt).update(input).digest()
}

function expand(suite: Bytes, key: Bytes, label: string, info: Bytes, length: number): Buffer {
  const size = Buffer.from([length >> 8, length & 0xff])
  const labeled = Buffer.concat([
    size,
    Buffer.from('HPKE-v1'),
    suite,
    Buffer.from(label),
    info,
    Buffer.from([1]),
  ])
  return createHmac('sha256', key).update(labeled).digest().subarray(0, length)
}

function privateKey(bytes: Bytes): KeyObject {
  const der = Buffer.concat([PRIVATE_PREFIX, bytes])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

function publicKey(bytes: Bytes): KeyObject {
  const der = Buffer.concat([PUBLIC_PREFIX, bytes])
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

function publicBytes(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
}

/** Key and nonce of the first message: sections 4.1 and 5.1. */
function schedule(own: KeyObject, other: KeyObject, context: Bytes, info: Bytes) {
  const shared = diffieHellman({ privateKey: own, publicKey: other })
  const prk = extract(KEM_SUITE, NONE, 'eae_prk', shared)
  const secret = expand(KEM_SUITE, prk, 'shared_secret', context, 32)
  const mode = Buffer.concat([
    Buffer.from([0]),
    extract(HPKE_SUITE, NONE, 'psk_id_hash', NONE),
    extract(HPKE_SUITE, NONE, 'info_hash', info),
  ])
  const root = extract(HPKE_SUITE, secret, 'secret', NONE)
  return {
    key: expand(HPKE_SUITE, root, 'key', mode, 32),
    nonce: expand(HPKE_SUITE, root, 'base_nonce', mode, 12),
  }
}

/** The encryption key with this 32-byte private half. */
export function plainOpeningKey(seed: Bytes): OpeningKey {
  const own = privateKey(seed)
  const ownPublic = publicBytes(own)
  return {
    publicKey: Uint8Array.from(ownPublic),
    open: async (sealed, info) => {
      if (sealed.length < 48) return undefined
      const enc = sealed.subarray(0, 32)
      const context = Buffer.concat([enc, ownPublic])
      try {
        const { key, nonce } = schedule(own, publicKey(enc), context, info)
        const cipher = createDecipheriv('aes-256-gcm', key, nonce)
        cipher.setAuthTag(sealed.subarray(-16))
        return Uint8Array.from(
          Buffer.concat([cipher.update(sealed.subarray(32, -16)), cipher.final()]),
        )
      } catch (cause) {
        if (cause instanceof Error) return undefined
        throw cause
      }
    },
  }
}

/** Section 7.1.4: a shared secret of zeros is none. */
function scheduleFor(own: KeyObject, recipient: Bytes, context: Bytes, info: Bytes) {
  try {
    return schedule(own, publicKey(recipient), context, info)
  } catch (cause) {
    throw new AgentError('argument', 'Cannot seal: the encryption key is no X25519 key', { cause })
  }
}

/** Seals with the private halves that `random` gives. */
export function plainSealer(random: (length: number) => Bytes): Sealer {
  return {
    seal: async (recipient, plain, info) => {
      const own = privateKey(random(32))
      const enc = publicBytes(own)
      const context = Buffer.concat([enc, recipient])
      const { key, nonce } = scheduleFor(own, recipient, context, info)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
      return Uint8Array.from(Buffer.concat([enc, sealed, cipher.getAuthTag()]))
    },
    generateKey: async () => plainOpeningKey(random(32)),
    sealShared: async (key, plain, { nonce, associated }) => {
      const cipher = createCipheriv('aes-256-gcm', sharedKey(key), nonce)
      cipher.setAAD(associated)
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
      return Uint8Array.from(Buffer.concat([sealed, cipher.getAuthTag()]))
    },
    openShared: async (key, sealed, { nonce, associated }) => {
      if (sealed.length < 16) return undefined
      const cipher = createDecipheriv('aes-256-gcm', sharedKey(key), nonce)
      cipher.setAAD(associated)
      cipher.setAuthTag(sealed.subarray(-16))
      try {
        return Uint8Array.from(
          Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]),
        )
      } catch (cause) {
        if (cause instanceof Error) return undefined
        throw cause
      }
    },
  }
}

/** RFC 5869: extract with a salt of zeros, then the first block of expand. */
function sharedKey({ secret, info }: SharedKey): Buffer {
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(secret).digest()
  return createHmac('sha256', extracted)
    .update(info)
    .update(Buffer.from([1]))
    .digest()
}
