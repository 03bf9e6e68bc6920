import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import {
  CLASS,
  decodeMessage,
  EMPTY_MESSAGE,
  encodeMessage,
  parseDnsName,
  TYPE,
  type Message,
} from '@ixj/dns'

/** A question to a server on 127.0.0.1, and how it is put. */
export interface Asking {
  readonly port: number
  readonly name: string
  /** One of TYPE. */
  readonly type: number
  readonly tcp?: boolean
  readonly dnssecOk?: boolean
  readonly recursionDesired?: boolean
  readonly checkingDisabled?: boolean
  /** Default: 3 s. */
  readonly waitMs?: number
}

/** One query and its answer; rejects if none comes in time. Nothing is validated. */
export async function ask(asking: Asking): Promise<Message> {
  const bytes = encodeMessage({
    ...EMPTY_MESSAGE,
    id: randomInt(0x1_0000),
    recursionDesired: asking.recursionDesired ?? false,
    checkingDisabled: asking.checkingDisabled ?? false,
    questions: [{ name: parseDnsName(asking.name), type: asking.type, class: CLASS.IN }],
    edns: { udpBytes: 1_232, version: 0, dnssecOk: asking.dnssecOk ?? false, options: [] },
  })
  return decodeMessage(await exchange(bytes, asking))
}

/** Sends bytes as they are and gives the first bytes that come back. */
export async function exchange(
  bytes: Uint8Array,
  where: Pick<Asking, 'port' | 'tcp' | 'waitMs'>,
): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(where.waitMs ?? 3_000)
  return where.tcp === true
    ? await exchangeOverTcp(bytes, where.port, signal)
    : await exchangeOverUdp(bytes, where.port, signal)
}

async function exchangeOverUdp(
  bytes: Uint8Array,
  port: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const socket = createSocket('udp4')
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(noAnswer(port)))
      socket.once('error', reject)
      socket.once('message', (message) => resolve(Uint8Array.from(message)))
      socket.connect(port, '127.0.0.1', () => socket.send(bytes))
    })
  } finally {
    socket.close()
  }
}

async function exchangeOverTcp(
  bytes: Uint8Array,
  port: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const socket = connect(port, '127.0.0.1')
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      let received = Buffer.alloc(0)
      signal.addEventListener('abort', () => reject(noAnswer(port)))
      socket.once('error', reject)
      socket.once('close', () => reject(noAnswer(port)))
      socket.on('data', (part: Buffer) => {
        received = Buffer.concat([received, part])
        const length = received.length < 2 ? Infinity : received.readUInt16BE(0)
        if (received.length >= 2 + length)
          resolve(Uint8Array.from(received.subarray(2, 2 + length)))
      })
      const length = Buffer.alloc(2)
      length.writeUInt16BE(bytes.length)
      socket.write(Buffer.concat([length, bytes]))
    })
  } finally {
    socket.destroy()
  }
}

function noAnswer(port: number): Error {
  return new Error(`Cannot get an answer from port ${port} in time`)
}

/** Whether a server answers for a zone; with `signed`, whether it signs its keys. */
export async function answersFor(port: number, zone: string, signed: boolean): Promise<boolean> {
  const type = signed ? TYPE.DNSKEY : TYPE.SOA
  const message = await ask({ port, name: zone, type, dnssecOk: signed, waitMs: 500 })
  const types = new Set(message.answers.map((record) => record.type))
  return types.has(type) && (!signed || types.has(TYPE.RRSIG))
}
