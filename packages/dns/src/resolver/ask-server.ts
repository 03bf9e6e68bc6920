import { randomBytes } from 'node:crypto'
import {
  type Asked,
  CLASS,
  EMPTY_MESSAGE,
  encodeMessage,
  type Message,
  UDP_BYTES_MAX,
} from '../proof.ts'
import { StreamTransport } from './stream-transport.ts'
import { openTcp, type Place } from './tcp-socket.ts'
import { readAnswer, type Transport } from './transport.ts'
import { UdpTransport } from './udp-transport.ts'

/**
 * Puts one question to one server and gives what it says, unvalidated: to see how that server does,
 * never to believe it. Over UDP an answer that is cut off is asked for over TCP.
 * @throws DnsError `unreachable`; the signal's reason
 */
export async function askServer(
  asked: Asked,
  place: Place,
  options: {
    readonly transport: 'udp' | 'tcp'
    /** Whether signatures are asked for as well; default true. */
    readonly dnssecOk?: boolean
    readonly signal?: AbortSignal
  },
): Promise<Message> {
  const { signal = new AbortController().signal, dnssecOk = true } = options
  const query = encodeMessage({
    ...EMPTY_MESSAGE,
    id: randomBytes(2).readUInt16BE(),
    questions: [{ ...asked, class: CLASS.IN }],
    edns: { udpBytes: UDP_BYTES_MAX, version: 0, dnssecOk, options: [] },
  })
  await using transport = openTransport(place, options.transport)
  return readAnswer(asked, await transport.ask(query, signal), transport.label)
}

function openTransport(place: Place, kind: 'udp' | 'tcp'): Transport {
  if (kind === 'udp') return new UdpTransport(place, { junk: 0, overTcp: 0 })
  return new StreamTransport(`${place.address} port ${place.port} over TCP`, () => openTcp(place))
}
