import { connect, type NatsConnection } from '@nats-io/transport-node'
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { readBody } from '../body.ts'
import { agentsOf, LEAD, pickedOf, type AgentNumber, type Run } from '../cast.ts'
import {
  windowOf,
  type OpenPlayer,
  type Part,
  type Player,
  type Sending,
  type Take,
} from '../player.ts'

/** Messages between two flushes: enough that a flush costs nothing beside them. */
const BATCH = 512
const BATCH_BYTES = 1024 * 1024
/** Flushes under way: the connection never stands still for one. */
const FLUSHES_MAX = 8
const SIGNATURE_BYTES = 64

/** Makes the bytes of a message, and takes the body out again. */
interface Seal {
  wrap(body: Uint8Array): Uint8Array
  unwrap(bytes: Uint8Array): Uint8Array
}

const plain: Seal = { wrap: (body) => body, unwrap: (bytes) => bytes }

/** NATS as it comes: its own client, subscriptions with a callback, flushed in batches. */
export const openNats: OpenPlayer = (part, take) => open(part, take, () => plain)

/** The same, with one Ed25519 signature for each message, checked by every receiver. */
export const openSignedNats: OpenPlayer = (part, take) => open(part, take, signing)

async function open(part: Part, take: Take, sealOf: (part: Part) => Seal): Promise<Player> {
  const ca = part.ground['certificate']
  const tls = ca === undefined ? null : { ca }
  const connection = await connect({ servers: `127.0.0.1:${part.ground['port']}`, tls })
  const seal = sealOf(part)
  return {
    card: '',
    meet: async () => {
      for (const agent of agentsOf(part.process, part.cast)) {
        subscribe(connection, agent, { part, seal, take })
      }
      await connection.flush()
    },
    send: (sending) => sendBatches(connection, seal, sending),
    ask: async (body) => {
      await connection.request('ask.1', seal.wrap(body))
    },
    [Symbol.asyncDispose]: () => connection.close(),
  }
}

/** One subscription for each agent and subject, on the connection of its process. */
function subscribe(
  connection: NatsConnection,
  agent: AgentNumber,
  { part, seal, take }: { readonly part: Part; readonly seal: Seal; readonly take: Take },
): void {
  for (const subject of subjectsOf(agent, part)) {
    connection.subscribe(subject, {
      callback: (failed, message) => {
        if (failed !== null) throw failed
        const body = seal.unwrap(message.data)
        // A connection hears what its own agents publish: what is one's own is no delivery.
        if (readBody(body).sender !== agent) take(agent, body)
      },
    })
  }
  if (agent !== 1) return
  connection.subscribe('ask.1', {
    callback: (failed, message) => {
      if (failed !== null) throw failed
      message.respond(seal.wrap(seal.unwrap(message.data)))
    },
  })
}

/** Where an agent listens: its inbox, its groups, and those parts of groups that it is of. */
function subjectsOf(agent: AgentNumber, { cast }: Part): readonly string[] {
  const crews = cast.crews.filter((size) => agent <= size)
  const picked = crews.filter((size) => pickedOf(size).includes(agent))
  return [
    `inbox.${agent}`,
    ...crews.map((size) => `crew.${size}`),
    ...picked.map((size) => `part.${size}`),
  ]
}

async function sendBatches(connection: NatsConnection, seal: Seal, sending: Sending) {
  const subject = subjectOf(sending.run)
  const batch = windowOf(BATCH, BATCH_BYTES, sending.run)
  const flushes: Promise<void>[] = []
  for (let index = 0; index < sending.count; index++) {
    connection.publish(subject, seal.wrap(sending.body(index)))
    if (index % batch !== batch - 1) continue
    flushes.push(connection.flush())
    if (flushes.length >= FLUSHES_MAX) await flushes.shift()
  }
  await Promise.all([...flushes, connection.flush()])
}

function subjectOf({ pattern, agents }: Run): string {
  if (pattern === '1×1') return 'inbox.1'
  if (pattern === 'N×1') return `inbox.${LEAD}`
  return pattern === 'i×j' ? `part.${agents}` : `crew.${agents}`
}

/** All processes have one key pair: who has which key is not what is measured. */
function signing({ ground }: Part): Seal {
  const privateKey = createPrivateKey(ground['privateKey'] ?? '')
  const publicKey = createPublicKey(privateKey)
  return {
    wrap: (body) => Buffer.concat([sign(null, body, privateKey), body]),
    unwrap: (bytes) => {
      const signature = bytes.subarray(0, SIGNATURE_BYTES)
      const body = bytes.subarray(SIGNATURE_BYTES)
      if (!verify(null, body, publicKey, signature)) throw new Error('A signature does not hold')
      return body
    },
  }
}
