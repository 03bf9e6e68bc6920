/** Record types by their name in zone files (IANA, "DNS parameters"). */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  CDS: 59,
  CDNSKEY: 60,
  SVCB: 64,
  HTTPS: 65,
  /** "This name does not exist", in the compact form of denial (RFC 9824). */
  NXNAME: 128,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const

/** Classes: the Internet, and the two of RFC 2136 that mean "no such" and "all". */
export const CLASS = { IN: 1, NONE: 254, ANY: 255 } as const

/** Response codes (RFC 1035 section 4.1.1, RFC 2136 section 2.2, RFC 6891, RFC 8945). */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADVERS: 16,
  BADSIG: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const

/** Kinds of message (RFC 1035 section 4.1.1, RFC 1996, RFC 2136). */
export const OPCODE = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const

const names = new Map<number, string>(Object.entries(TYPE).map(([name, type]) => [type, name]))
const types = new Map<string, number>(Object.entries(TYPE))

/** The name of a type, `TYPE65280` for one without (RFC 3597 section 5). */
export function typeName(type: number): string {
  return names.get(type) ?? `TYPE${type}`
}

/** The type of a name, in any case; undefined if there is none. */
export function typeOfName(text: string): number | undefined {
  const upper = text.toUpperCase()
  const known = types.get(upper)
  if (known !== undefined) return known
  const number = /^TYPE([0-9]{1,5})$/.exec(upper)?.[1]
  return number !== undefined && Number(number) < 65_536 ? Number(number) : undefined
}

/** The name of a response code. */
export function rcodeName(rcode: number): string {
  return (
    Object.entries(RCODE).find(([name, code]) => code === rcode && name !== 'BADSIG')?.[0] ??
    `RCODE${rcode}`
  )
}
