import { issueTo, ManualClock } from '@ixj/agent'
import { type Invitation, Inviting, makeClaim, makeInvitation } from '@ixj/agent/invitations'
import { parseName } from '@ixj/names'
import type { Signer } from '@ixj/trust'
import { nodeSha256, nodeSigner, openNodeVerifier } from '../../../../test/world/native-keys.ts'
import { seededBytes, seededRandom } from '../../../../test/world/random.ts'

/** When a scene starts: 2026-11-01T00:00:00Z. */
export const START = Date.UTC(2026, 10, 1)
/** How long its invitation can be used. */
export const MINUTES_15 = 15 * 60_000
export const SAM = parseName('sam.acme.example')
export const HASH = nodeSha256

/** An inviter, what it has invited to, and who is invited; from a seed, and from a time on. */
export function inviteScene(seed = 1, start = START) {
  const bytes = seededBytes(seededRandom(seed))
  const clock = new ManualClock({ now: start })
  const verifier = openNodeVerifier()
  const name = parseName('acme.example')
  let acme = { name, signer: nodeSigner(bytes(32)), statements: [] }
  let next: Uint8Array | null = null
  const invitation = makeInvitation(
    {
      name: SAM,
      root: { name: acme.name, key: acme.signer.publicKey },
      relay: parseName('relay1.acme.example'),
      notAfter: start + MINUTES_15,
    },
    { random: bytes, now: start },
  )
  const issued: Uint8Array[] = []
  const inviting = new Inviting(invitation, {
    clock,
    verifier,
    hash: HASH,
    issue: async (child) => {
      issued.push(child.key)
      const context = { clock, random: bytes, hash: HASH }
      const statements = await issueTo(acme, child, { lifetimeSeconds: 3_600 }, context)
      return { root: { key: acme.signer.publicKey, next }, statements }
    },
  })
  const newKey = () => nodeSigner(bytes(32))
  return {
    bytes,
    clock,
    verifier,
    invitation,
    inviting,
    /** Gives the inviter's organisation another key, and another that it commits to. */
    rollOver: () => {
      acme = { ...acme, signer: nodeSigner(bytes(32)) }
      next = bytes(32)
      return { key: acme.signer.publicKey, next }
    },
    /** Keys that were bound, in their order. */
    issued,
    newKey,
    /** What a page with this invitation and key claims. */
    claim: (
      of: Invitation = invitation,
      signer: Signer = newKey(),
      encryptionKey: Uint8Array = bytes(32),
    ) => makeClaim(of, { signer, encryptionKey }, { clock, random: bytes }),
  }
}
