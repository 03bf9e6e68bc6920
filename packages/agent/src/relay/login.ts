import type { Name } from '@ixj/names'
import {
  decode,
  encode,
  equalBytes,
  readArray,
  readBytes,
  readName,
  readText,
  SKEW_MS,
  toHex,
  type Random,
  type Signer,
  type Value,
  type Verifier,
} from '@ixj/trust'
import { holds, readSignedBody, signBody, type SignedBody } from '../bundles/signed-body.ts'
import { checkVersion, VERSION } from '../bundles/version.ts'
import type { Clock } from '../clock.ts'
import type { Peer } from '../transport.ts'
import { LOGIN_BYTES_MAX, PEER_BYTES_MAX } from './limits.ts'

/** Why a login does not hold. */
export type LoginCode =
  /** It signed another challenge, or nonce, than this socket's: it was heard elsewhere. */
  | 'nonce'
  /** It signed another origin than the one that the socket has. */
  | 'origin'
  /** It is for another relay, or by another than was called. */
  | 'relay'
  /** Its time is more than the skew away from ours. */
  | 'time'
  /** The signature is not by the key that it names. */
  | 'signature'
  /** It is of the other side's kind, or its peer is not the one of its key. */
  | 'peer'

/** A login did not hold; `code` says why. Bytes that are no login are a TrustError. */
export class LoginError extends Error {
  override readonly name = 'LoginError'
  readonly code: LoginCode

  constructor(code: LoginCode, message: string) {
    super(message)
    this.code = code
  }
}

/** What a side logs in with: the name and key that its hello proves afterwards. */
export interface LoginIdentity {
  readonly name: Name
  readonly signer: Signer
  readonly clock: Clock
  readonly random: Random
  readonly verifier: Verifier
}

/** What a relay says first: nobody can have signed its nonce before. */
export interface Challenge {
  /** 32 bytes. */
  readonly nonce: Uint8Array
  readonly relay: Name
  readonly peer: Peer
}

/** A socket of which both ends are known: each signed all of it. */
export interface LoggedIn {
  readonly peer: Peer
  /** What it says that it is called: hello proves it. */
  readonly name: Name
  readonly key: Uint8Array
}

type Role = 'page' | 'relay'
const NONCE_BYTES = 32
const OWN_FIELDS = 7

/** Who a page is to its relay: its key, so no two have the same, and none has that of a node. */
export function pagePeer(key: Uint8Array): Peer {
  return `page-${toHex(key)}`
}

/** Who a relay is to its pages: its key, so that none can say to be another. */
export function relayPeer(key: Uint8Array): Peer {
  return `relay-${toHex(key)}`
}

/** Whether this is what {@link pagePeer} makes; no libp2p peer id has a dash. */
export function isPagePeer(peer: Peer): boolean {
  return peer.startsWith('page-')
}

/** `[1, "challenge", nonce, relay, peer]`. */
export function encodeChallenge({ nonce, relay, peer }: Challenge): Uint8Array {
  return encode([VERSION, 'challenge', nonce, relay, peer])
}

/** Reads a challenge. @throws TrustError */
export function decodeChallenge(bytes: Uint8Array): Challenge {
  const [nonce, relay, peer] = readLogin(bytes, 'challenge', 5)
  return {
    nonce: readBytes(nonce, 'nonce of challenge', NONCE_BYTES),
    relay: readName(relay, 'relay of challenge'),
    peer: readText(peer, 'peer of challenge', PEER_BYTES_MAX),
  }
}

/** The page's part of a login, which goes on when the relay has answered. */
export interface PageLogin {
  readonly bytes: Uint8Array
  /** Checks the relay's answer. @throws LoginError, TrustError */
  finish(answer: Uint8Array): Promise<LoggedIn>
}

/**
 * Answers a challenge. The page signs what it means to do: log in at this relay, from this origin,
 * on this socket, now.
 * @throws LoginError `relay` if another relay answered than was called
 */
export async function answerChallenge(
  challenge: Challenge,
  to: { readonly relay: Name; readonly origin: string },
  identity: LoginIdentity,
): Promise<PageLogin> {
  if (challenge.relay !== to.relay) {
    throw new LoginError('relay', `Cannot log in at ${to.relay}: ${challenge.relay} answered`)
  }
  const nonce = identity.random(NONCE_BYTES)
  const scene: Scene = {
    challenge: challenge.nonce,
    nonce,
    origin: to.origin,
    relay: to.relay,
    page: pagePeer(identity.signer.publicKey),
    peer: challenge.peer,
  }
  return {
    bytes: encode([VERSION, 'login', ...(await sign('page', scene, identity))]),
    finish: async (answer) => {
      const signed = readSigned(readLogin(answer, 'welcome', 4))
      // It said its peer before we knew its key: another's would keep that one from being called.
      const proved = { ...scene, peer: relayPeer(signed.signerKey) }
      await check('relay', signed, { scene: proved, name: to.relay, identity })
      if (challenge.peer !== proved.peer) {
        const reason = 'it said another peer than it signed'
        throw new LoginError('peer', `Cannot log in at ${to.relay}: ${reason}`)
      }
      return { peer: challenge.peer, name: signed.signer, key: signed.signerKey }
    },
  }
}

/**
 * Checks a page's login and gives the relay's answer to it.
 * @throws LoginError, TrustError
 */
export async function takeLogin(
  bytes: Uint8Array,
  by: { readonly challenge: Challenge; readonly origin: string },
  identity: LoginIdentity,
): Promise<{ readonly page: LoggedIn; readonly answer: Uint8Array }> {
  const { challenge, origin } = by
  const signed = readSigned(readLogin(bytes, 'login', 4))
  const scene: Scene = {
    challenge: challenge.nonce,
    nonce: readBytes(signed.fields[2], 'nonce of login', NONCE_BYTES),
    origin,
    relay: challenge.relay,
    page: pagePeer(signed.signerKey),
    peer: challenge.peer,
  }
  await check('page', signed, { scene, name: signed.signer, identity })
  return {
    page: { peer: scene.page, name: signed.signer, key: signed.signerKey },
    answer: encode([VERSION, 'welcome', ...(await sign('relay', scene, identity))]),
  }
}

/** What both sign, each as itself. */
interface Scene {
  readonly challenge: Uint8Array
  readonly nonce: Uint8Array
  readonly origin: string
  readonly relay: Name
  readonly page: Peer
  /** The relay's. */
  readonly peer: Peer
}

async function sign(role: Role, scene: Scene, identity: LoginIdentity): Promise<readonly Value[]> {
  const { name, clock, random, signer } = identity
  const signature = { signer: name, time: clock.now(), nonce: random(16) }
  return await signBody('relay-login', signature, fieldsOf(role, scene), signer)
}

function fieldsOf(role: Role, scene: Scene): readonly Value[] {
  const { challenge, nonce, origin, relay, page, peer } = scene
  return [role, challenge, nonce, origin, relay, page, peer]
}

/** The cheap checks first; each field has a code of its own, so that a person sees what is wrong. */
async function check(
  role: Role,
  signed: SignedBody,
  by: { readonly scene: Scene; readonly name: Name; readonly identity: LoginIdentity },
): Promise<void> {
  const { scene, name, identity } = by
  const tried = `Cannot log ${signed.signer} in at ${scene.relay}`
  const away = signed.time - identity.clock.now()
  if (Math.abs(away) > SKEW_MS) {
    throw new LoginError('time', `${tried}: its clock is ${away} ms off, limit ${SKEW_MS}`)
  }
  for (const [index, expected] of fieldsOf(role, scene).entries()) {
    if (isSame(expected, signed.fields[index])) continue
    throw new LoginError(FIELD_CODES[index] ?? 'peer', `${tried}: ${FIELD_REASONS[index]}`)
  }
  if (signed.signer !== name) throw new LoginError('relay', `${tried}: ${name} was called`)
  if (await holds(signed, identity.verifier)) return
  throw new LoginError('signature', `${tried}: the login is not by the key that it names`)
}

const FIELD_CODES: readonly LoginCode[] = [
  'peer',
  'nonce',
  'nonce',
  'origin',
  'relay',
  'peer',
  'peer',
]
const FIELD_REASONS: readonly string[] = [
  'it is of the other side',
  'it answers another challenge',
  'it answers another nonce',
  'it signed another origin than its socket has',
  'it is for another relay',
  'its peer is not the one of its key',
  'it signed another peer of the relay',
]

function isSame(expected: Value, found: Value | undefined): boolean {
  if (!(expected instanceof Uint8Array)) return expected === found
  return found instanceof Uint8Array && equalBytes(expected, found)
}

function readSigned(fields: readonly Value[]): SignedBody {
  return readSignedBody('relay-login', fields, { fields: OWN_FIELDS, bytesMax: LOGIN_BYTES_MAX })
}

/** The fields after the kind. @throws TrustError */
function readLogin(bytes: Uint8Array, kind: string, fields: number): readonly Value[] {
  const value = decode(bytes, { bytesMax: LOGIN_BYTES_MAX })
  checkVersion(value, kind)
  const [, found, ...own] = readArray(value, kind, fields)
  readText(found, `kind of ${kind}`, 16)
  if (found !== kind) {
    throw new LoginError('peer', `Cannot read ${kind}: a "${String(found)}" came in its place`)
  }
  return own
}
