import { type Binding, BINDING_FIELDS, bindingFields, readBinding } from './binding.ts'
import {
  CROSS_CERTIFICATE_FIELDS,
  type CrossCertificate,
  crossCertificateFields,
  readCrossCertificate,
} from './cross-certificate.ts'
import type { Field, Value } from './encoding/index.ts'
import { type Grant, GRANT_FIELDS, grantFields, readGrant } from './grant.ts'
import {
  readRevocation,
  type Revocation,
  REVOCATION_FIELDS,
  revocationFields,
} from './revocation.ts'
import type { StatementBase } from './statement-base.ts'
import { readStatus, type Status, STATUS_FIELDS, statusFields } from './status.ts'
import { readSuccessor, type Successor, SUCCESSOR_FIELDS, successorFields } from './successor.ts'

/** Each kind of statement that is known, docs/protocol.md, section "Statements". */
export interface StatementKinds {
  readonly binding: Binding
  readonly grant: Grant
  readonly 'cross-certificate': CrossCertificate
  readonly revocation: Revocation
  readonly status: Status
  readonly successor: Successor
}

/** The text of a kind, as in the second field of a body. */
export type StatementKind = keyof StatementKinds

/** Everything that can be stated today, docs/protocol.md, section "Statements". */
export type Statement = StatementKinds[StatementKind]

/** How one kind stands on the wire, after the common fields. */
interface StatementForm<K extends StatementKind> {
  /** How many fields it has of its own. */
  readonly count: number
  /** Its own fields, in the order of the wire. */
  readonly write: (fields: Omit<StatementKinds[K], 'issuerKey'>) => Value[]
  /** Reads them and checks the kind's rules of form. @throws TrustError */
  readonly read: (base: StatementBase<K>, fields: readonly Field[]) => StatementKinds[K]
}

/** The form of every kind: a kind without one does not compile. */
export const STATEMENT_FORMS: { readonly [K in StatementKind]: StatementForm<K> } = {
  binding: { count: BINDING_FIELDS, write: bindingFields, read: readBinding },
  grant: { count: GRANT_FIELDS, write: grantFields, read: readGrant },
  'cross-certificate': {
    count: CROSS_CERTIFICATE_FIELDS,
    write: crossCertificateFields,
    read: readCrossCertificate,
  },
  revocation: { count: REVOCATION_FIELDS, write: revocationFields, read: readRevocation },
  status: { count: STATUS_FIELDS, write: statusFields, read: readStatus },
  successor: { count: SUCCESSOR_FIELDS, write: successorFields, read: readSuccessor },
}

/** Whether a text is a kind that is known. */
export function isStatementKind(text: string): text is StatementKind {
  return Object.hasOwn(STATEMENT_FORMS, text)
}
