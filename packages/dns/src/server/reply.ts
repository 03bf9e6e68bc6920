import { EMPTY_MESSAGE, type Message, UDP_BYTES_MAX } from '../proof.ts'

/** An answer with the question, the flags and the EDNS that belong to a query. */
export function reply(
  query: Message,
  parts: Partial<Message> & { readonly rcode: number },
): Message {
  return {
    ...EMPTY_MESSAGE,
    id: query.id,
    opcode: query.opcode,
    rcode: parts.rcode,
    response: true,
    authoritative: parts.authoritative ?? false,
    truncated: parts.truncated ?? false,
    recursionDesired: query.recursionDesired,
    checkingDisabled: query.checkingDisabled,
    questions: query.questions,
    answers: parts.answers ?? EMPTY_MESSAGE.answers,
    authorities: parts.authorities ?? EMPTY_MESSAGE.authorities,
    additionals: parts.additionals ?? EMPTY_MESSAGE.additionals,
    // RFC 6891 section 6.1.1: who speaks EDNS gets EDNS, and DO comes back (RFC 3225).
    ...(query.edns === undefined
      ? {}
      : {
          edns: {
            udpBytes: UDP_BYTES_MAX,
            version: 0,
            dnssecOk: query.edns.dnssecOk,
            options: [],
          },
        }),
  }
}
