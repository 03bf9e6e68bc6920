import { HELLO_NOTICES_MAX } from '../limits.ts'
import type { HelloContext } from '../neighbours/hello.ts'
import type { KnownProof } from '../neighbours/proof-shelf.ts'
import type { Books } from './books.ts'

/** What a node's hello brings: its proof as it is now, and the newest statuses of its issuers. */
export function helloProof(
  first: KnownProof,
  { proofs, notices }: Pick<Books, 'proofs' | 'notices'>,
): ReturnType<HelloContext['proof']> {
  const known = proofs.current(first)
  const statements = proofs.statements(known)
  const issuers = new Set(statements.map(({ statement }) => statement.issuer))
  const statuses = [...issuers].flatMap((of) => notices.status(of)?.bytes ?? [])
  return {
    bytes: known.bytes,
    envelopes: statements.map((signed) => signed.envelope),
    statuses: statuses.slice(0, HELLO_NOTICES_MAX),
  }
}
