import type { Name } from '@ixj/names'
import {
  checkPublicKey,
  decode,
  encode,
  fromBase64url,
  macOf,
  type Random,
  readArray,
  readBytes,
  readName,
  readTime,
  toBase64url,
  toHex,
  TrustError,
} from '@ixj/trust'
import { checkVersion, VERSION } from '../bundles/version.ts'
import { INVITATION_LINK_MAX, INVITATION_MS_MAX, INVITATION_SECRET_BYTES } from './limits.ts'

/** For one name, once: whoever has it may have a key of theirs bound to that name. */
export interface Invitation {
  /** 32 bytes; it never leaves the link. */
  readonly secret: Uint8Array
  readonly name: Name
  /** Where trust begins for who is invited: the top of the inviter's chain. */
  readonly root: { readonly name: Name; readonly key: Uint8Array }
  /** The relay through which the claim goes; it learns neither the secret nor anything by it. */
  readonly relay: Name
  /** ms since the Unix epoch. */
  readonly notAfter: number
}

/** Before the invitation in a link's fragment, which browsers send to nobody. */
const MARK = 'ixj-invitation='
const ID_BYTES = 16
const FIELDS = 7

/** A new invitation. @throws TrustError `form` for a time that is over, or too far away */
export function makeInvitation(
  fields: Omit<Invitation, 'secret'>,
  context: { readonly random: Random; readonly now: number },
): Invitation {
  const left = fields.notAfter - context.now
  if (left <= 0 || left > INVITATION_MS_MAX) {
    throw new TrustError(
      'form',
      `Cannot invite ${fields.name} for ${left} ms: must be 1 to ${INVITATION_MS_MAX}`,
    )
  }
  checkPublicKey(fields.root.key)
  return { ...fields, secret: context.random(INVITATION_SECRET_BYTES) }
}

/**
 * By which a relay knows an invitation, 16 bytes in hexadecimal: a code made with the secret, which
 * shows nothing of it.
 */
export function invitationIdOf({ secret }: Pick<Invitation, 'secret'>): string {
  return toHex(macOf(secret, 'invitation-id', new Uint8Array()).slice(0, ID_BYTES))
}

/** The link to a page with the invitation in its fragment. Whoever sees it can use it. */
export function formatInvitation(invitation: Invitation, page: string): string {
  const { secret, name, root, relay, notAfter } = invitation
  const bytes = encode([VERSION, secret, name, root.name, root.key, relay, notAfter])
  return `${page.replace(/#.*$/s, '')}#${MARK}${toBase64url(bytes)}`
}

/**
 * Reads a link, or its fragment alone; undefined where there is no invitation in it.
 * @throws TrustError `too-large`, `encoding`, `form`, `name`, `bad-key`, `unsupported`
 */
export function parseInvitation(link: string): Invitation | undefined {
  const start = link.indexOf(MARK)
  if (start === -1) return undefined
  const text = link.slice(start + MARK.length)
  if (text.length > INVITATION_LINK_MAX) {
    const size = `${text.length} characters, limit ${INVITATION_LINK_MAX}`
    throw new TrustError('too-large', `Cannot read invitation: ${size}`)
  }
  const value = decode(fromBase64url(text), { bytesMax: INVITATION_LINK_MAX })
  checkVersion(value, 'invitation')
  const fields = readArray(value, 'invitation', FIELDS)
  const key = readBytes(fields[4], 'root key of invitation')
  checkPublicKey(key)
  return {
    secret: readBytes(fields[1], 'secret of invitation', INVITATION_SECRET_BYTES),
    name: readName(fields[2], 'name of invitation'),
    root: { name: readName(fields[3], 'root of invitation'), key },
    relay: readName(fields[5], 'relay of invitation'),
    notAfter: readTime(fields[6], 'notAfter of invitation'),
  }
}
