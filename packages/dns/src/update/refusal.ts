import { DnsError, RCODE, rcodeName, readTsig, type Message } from '../proof.ts'

/** Codes that say that a condition does not hold, or a name is outside (RFC 2136 section 2.2). */
const conflicts: ReadonlyMap<number, string> = new Map([
  [RCODE.YXDOMAIN, 'a name is there that must not be'],
  [RCODE.YXRRSET, 'records are there that must not be'],
  [RCODE.NXDOMAIN, 'a name is not there that must be'],
  [RCODE.NXRRSET, 'records are not there that must be'],
  [RCODE.NOTZONE, 'a name is outside of the zone'],
])

const tsigErrors: ReadonlyMap<number, string> = new Map([
  [RCODE.BADSIG, 'BADSIG: it has another secret under this name'],
  [RCODE.BADKEY, 'BADKEY: it does not know this key, or the key may not do this'],
  [RCODE.BADTIME, 'BADTIME: its clock and ours are too far apart'],
  [RCODE.BADTRUNC, 'BADTRUNC: it wants a longer signature'],
])

/** What a server says of our signature, 0 if nothing (RFC 8945 section 4.2). */
export function tsigErrorOf({ tsig }: Message): number {
  return tsig === undefined ? 0 : readTsig(tsig.record.data).error
}

/** @throws DnsError `tsig` if the server refused our signature */
export function checkTsigError(answer: Message, label: string): void {
  const error = tsigErrorOf(answer)
  if (error === 0) return
  const said = tsigErrors.get(error) ?? `code ${error}`
  throw new DnsError('tsig', `Cannot sign for ${label}: it says ${said}`)
}

/** @throws DnsError `zone` for a conflict, `refused` for any other code but NOERROR */
export function checkRcode({ rcode }: Message, tried: string): void {
  if (rcode === RCODE.NOERROR) return
  const conflict = conflicts.get(rcode)
  const message = `${tried}: ${rcodeName(rcode)}`
  if (conflict === undefined) throw new DnsError('refused', message)
  throw new DnsError('zone', `${message}, ${conflict}`)
}
