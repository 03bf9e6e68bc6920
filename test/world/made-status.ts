import { makeNotice, type Identity, type Notice } from '@ixj/agent'
import { issueStatement, revocationDigest, STATUS_FRESH_MS_MAX, type Status } from '@ixj/trust'
import { nodeSha256 } from './native-keys.ts'
import type { World } from './world.ts'

/** A status of an organisation by its root, issued now over no revocations, unless told otherwise. */
export async function statusNotice(
  world: World,
  root: Identity,
  fields: Partial<Status> = {},
): Promise<Notice> {
  const issuedAt = fields.issuedAt ?? world.clock.now()
  const freshUntil = fields.freshUntil ?? issuedAt + STATUS_FRESH_MS_MAX
  const status = await issueStatement(
    {
      kind: 'status',
      issuer: root.name,
      notBefore: issuedAt,
      notAfter: freshUntil,
      nonce: world.bytes(16),
      of: root.name,
      number: issuedAt,
      digest: revocationDigest([]),
      issuedAt,
      freshUntil,
      ...fields,
    },
    root.signer,
    nodeSha256,
  )
  return makeNotice(status, [])
}
