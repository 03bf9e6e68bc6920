import {
  CLASS,
  DnsError,
  EMPTY_MESSAGE,
  encodeMessage,
  RCODE,
  rcodeName,
  typeName,
  UDP_BYTES_MAX,
  wireOfName,
  type Asked,
  type DnsName,
  type Message,
} from '../proof.ts'
import { readAnswer, type Transport } from './transport.ts'
import type { ServerList } from './upstreams.ts'

/** Secret random bytes, as many as are asked for. */
export type RandomBytes = (length: number) => Uint8Array

/** How a question is put. */
export interface ExchangeOptions {
  readonly signal: AbortSignal
  readonly random: RandomBytes
  /** Who validates: we (CD, default), or a resolver that is trusted to (RFC 4035 section 3.2.2). */
  readonly validator?: 'ours' | 'theirs'
}

/**
 * Asks the servers of a zone, one after the other, until one of them answers.
 * @throws DnsError `unreachable`, with what each of them did; the signal's reason
 */
export async function exchange(
  asked: Asked,
  list: ServerList,
  options: ExchangeOptions,
): Promise<Message> {
  const failures: string[] = []
  for (const server of list.servers) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- The next one is asked only if this one fails.
      return await askServer(asked, server, options)
    } catch (cause) {
      if (options.signal.aborted) throw options.signal.reason
      if (!(cause instanceof DnsError)) throw cause
      failures.push(cause.message)
      list.demote(server)
    }
  }
  throw new DnsError(
    'unreachable',
    `Cannot ask for ${asked.name} ${typeName(asked.type)}: ${failures.join('; ')}`,
  )
}

async function askServer(
  asked: Asked,
  server: Transport,
  { signal, random, validator = 'ours' }: ExchangeOptions,
): Promise<Message> {
  const [high, low] = random(2)
  const query = encodeMessage({
    ...EMPTY_MESSAGE,
    id: (high! << 8) | low!,
    recursionDesired: true,
    checkingDisabled: validator === 'ours',
    // In a query it says that the bit is understood in the answer (RFC 6840 section 5.7).
    authenticData: validator === 'theirs',
    questions: [
      {
        name: asked.name,
        type: asked.type,
        class: CLASS.IN,
        spelling: randomSpelling(asked.name, random),
      },
    ],
    edns: { udpBytes: UDP_BYTES_MAX, version: 0, dnssecOk: true, options: [] },
  })
  const answer = readAnswer(asked, await server.ask(query, signal), server.label)
  if (answer.rcode === RCODE.NOERROR || answer.rcode === RCODE.NXDOMAIN) return answer
  const said = rcodeName(answer.rcode)
  throw new DnsError('unreachable', `Cannot use the answer of ${server.label}: it is ${said}`)
}

/** The name with each letter in upper or lower case by chance: see {@link fitOf}. */
function randomSpelling(name: DnsName, random: RandomBytes): Uint8Array {
  const wire = Uint8Array.from(wireOfName(name))
  const bits = random(Math.ceil(wire.length / 8))
  for (const [at, byte] of wire.entries()) {
    // Lengths are at most 63, below the letters.
    const isLetter = byte >= 0x61 && byte <= 0x7a
    if (isLetter && ((bits[at >> 3]! >> (at & 7)) & 1) === 1) wire[at] = byte - 0x20
  }
  return wire
}
