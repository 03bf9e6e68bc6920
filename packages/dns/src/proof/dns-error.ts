/** What a packet, record, name, zone or lookup can be refused for. */
export type DnsCode =
  /** Bytes that are no message, record or name of the DNS wire format. */
  | 'format'
  /** Something is larger, or more, than a limit of ours. */
  | 'limit'
  /** A text that is no domain name. */
  | 'name'
  /** A record whose data or text does not have the form of its type. */
  | 'record'
  /** Not one of the types, algorithms or versions that are built. */
  | 'unsupported'
  /** A server or zone that nobody could ask: an outage says nothing about a name. */
  | 'unreachable'
  /** A server answered, and said no: the response code is in the message. */
  | 'refused'
  /** What was found contradicts the anchors: forged, expired or broken. */
  | 'bogus'
  /** What was found is not signed, and an anchor says that it need not be. */
  | 'insecure'
  /** The name, or records of the type, do not exist. */
  | 'absent'
  /** A change that the zone cannot take: a conflict, a missing prerequisite, a name outside. */
  | 'zone'
  /** A transaction signature (TSIG, RFC 8945) is missing or does not hold. */
  | 'tsig'
  /** The zone's file cannot be read or written. */
  | 'storage'
  /** An option or argument is out of its range. */
  | 'argument'

/** Work on DNS was refused; `code` says what for. */
export class DnsError extends Error {
  override readonly name = 'DnsError'
  readonly code: DnsCode

  constructor(code: DnsCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
