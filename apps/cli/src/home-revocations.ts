import { decodeNotice } from '@ixj/agent'
import { type Home, noticeFiles, nodeSha256, readNoticeFile, systemClock } from '@ixj/node/home'
import {
  type AnchorSet,
  checkRevoker,
  isBinding,
  isCrossCertificate,
  isGrant,
  isRevocation,
  RevocationBook,
  TrustError,
} from '@ixj/trust'
import { verified } from './belief.ts'
import { findZoneKeys, rootsOf } from './zone-keys.ts'

/**
 * The revocations that lie in a home, as far as its anchors find them to be by right: those that its
 * nodes take, too. One that is not by right, or whose signature does not hold, counts for nothing.
 * @throws HomeError for a file that cannot be read: a lost revocation is no absent one
 */
export async function readRevocations(home: Home, anchors: AnchorSet): Promise<RevocationBook> {
  const book = new RevocationBook(nodeSha256)
  const now = systemClock.now()
  for (const file of await noticeFiles(home)) {
    const bytes = await readNoticeFile(home, file)
    if (bytes === undefined) continue
    try {
      const { told, proving } = decodeNotice(bytes, nodeSha256)
      if (!isRevocation(told)) continue
      const holding = await verified([told, ...proving])
      if (!holding.includes(told)) continue
      const found = await findZoneKeys(rootsOf(told.statement.issuer, proving), { home, anchors })
      const right = checkRevoker(
        told,
        {
          bindings: holding.filter(isBinding),
          grants: holding.filter(isGrant),
          crossCertificates: holding.filter(isCrossCertificate),
          anchors,
          ...found,
          revocations: book,
          now,
        },
        nodeSha256,
      )
      book.add({ signed: told, ...right })
    } catch (cause) {
      // A running node of this home passes it over as well, and tells why.
      if (!(cause instanceof TrustError)) throw cause
    }
  }
  return book
}
