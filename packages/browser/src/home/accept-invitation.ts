import type { Invitation } from '@ixj/agent/invitations'
import { AnchorSet, equalBytes, PURPOSES, sha256, TrustError, type Verifier } from '@ixj/trust'
import { BrowserError } from '../browser-error.ts'
import { loadPart } from '../load-part.ts'
import { pageClock } from '../page-clock.ts'
import { pageRandom } from '../page-random.ts'
import { webCryptoVerifier } from '../web-crypto-keys.ts'
import { type BrowserHome, type BrowserHomeOptions, openBrowserHome } from './browser-home.ts'

/** How an invitation is accepted. */
export interface AcceptOptions extends BrowserHomeOptions {
  /** The origin of the relay that it goes through, such as `https://relay1.acme.example`. */
  readonly relay: string
  readonly verifier?: Verifier
  readonly signal?: AbortSignal
}

/**
 * Makes a key here, has the name of an invitation bound to it, and keeps what came of it; gives the
 * open home. The anchor is the inviter's, with its root's key as it is by now, and the one to come: no
 * relay can change them.
 * @throws InvitationError; TrustError if there is no invitation in the link; BrowserError `enrolled` where the name trusts another
 * root already, `in-use`, `storage`, `unsupported`,
 * `unreachable` where the page cannot download what enrols; the signal's reason
 */
export async function acceptInvitation(
  link: string | Invitation,
  options: AcceptOptions,
): Promise<BrowserHome> {
  // Once in the life of a home: pages that have their name do not download it.
  const { enrol, parseInvitation } = await loadPart('invitations', () => {
    return import('../enrolment.ts')
  })
  const invitation = typeof link === 'string' ? parseInvitation(link) : link
  if (invitation === undefined) {
    throw new TrustError('form', 'Cannot accept an invitation: there is none in the link')
  }
  const { relay, signal, subtle = crypto.subtle } = options
  const home = await openBrowserHome(invitation.name, options)
  try {
    await checkNotReplaced(home, invitation.root)
    // The keys are kept before they are shown to anybody: a name is bound once.
    const [signer, opened] = [await home.signer(), await home.opening()]
    const { root, statements } = await enrol({
      invitation,
      relay,
      signer,
      encryptionKey: opened.publicKey,
      clock: pageClock,
      random: pageRandom,
      verifier: options.verifier ?? webCryptoVerifier(subtle),
      hash: sha256,
      fetch: (input, init) => fetch(input, init),
      ...(signal === undefined ? {} : { signal }),
    })
    const { name } = invitation.root
    await checkNotReplaced(home, { name, key: root.key })
    const next = root.next === null ? {} : { next: root.next }
    const added = { addedAt: pageClock.now(), addedBy: 'the invitation' }
    await home.writeAnchors(
      new AnchorSet([{ name, keys: [root.key], purposes: PURPOSES, ...next, ...added }]),
    )
    await home.writeStatements(statements)
    return home
  } catch (error) {
    await home[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * A link is no reason to trust another than before: whoever makes one knows its secret, and would
 * stand as the root of everything that this name hears.
 */
async function checkNotReplaced(home: BrowserHome, root: Invitation['root']): Promise<void> {
  const known = (await home.readAnchors()).list
  const isSame = known.some(
    ({ name, keys, next }) =>
      name === root.name &&
      (keys.some((key) => equalBytes(key, root.key)) ||
        // The key that the known one committed to.
        (next !== undefined && equalBytes(next, sha256(root.key)))),
  )
  if (known.length === 0 || isSame) return
  const roots = known.map(({ name }) => name).join(', ')
  const reason = `it trusts ${roots} here, and was told another key of ${root.name}`
  throw new BrowserError('enrolled', `Cannot let a link enrol ${home.name}: ${reason}`)
}
