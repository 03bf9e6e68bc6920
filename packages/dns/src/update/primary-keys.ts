import {
  CLASS,
  type DnsName,
  type DnsRecord,
  EMPTY_MESSAGE,
  ENTRY_POINT,
  readDnskey,
  TYPE,
  UDP_BYTES_MAX,
} from '../proof.ts'
import { newId, type Primary } from './primary.ts'
import { checkRcode } from './refusal.ts'
import { askSigned } from './signed-exchange.ts'

/**
 * The DNSKEY records of a zone that its primary calls entry points (RFC 4034 section 2.1.1), as it
 * tells them to who has its update key: what the owner may trust and tell others as an anchor. None
 * if it does not sign the zone.
 * @throws DnsError `refused`, `tsig`, `unreachable`; the signal's reason
 */
export async function askPrimaryKeys(
  zone: DnsName,
  primary: Primary,
  options: { readonly signal?: AbortSignal } = {},
): Promise<readonly DnsRecord[]> {
  const question = {
    ...EMPTY_MESSAGE,
    id: newId(primary),
    questions: [{ name: zone, type: TYPE.DNSKEY, class: CLASS.IN }],
    edns: { udpBytes: UDP_BYTES_MAX, version: 0, dnssecOk: false, options: [] },
  }
  const { message } = await askSigned(question, primary, options)
  checkRcode(message, `Cannot ask for the keys of ${zone}`)
  return message.answers.filter(
    ({ name, type, data }) =>
      name === zone && type === TYPE.DNSKEY && (readDnskey(data).flags & ENTRY_POINT) !== 0,
  )
}
