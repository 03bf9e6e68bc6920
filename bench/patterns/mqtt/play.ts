import { connectAsync, type MqttClient } from 'mqtt'
import { agentsOf, LEAD, pickedOf, sendersIn, type AgentNumber, type Run } from '../cast.ts'
import {
  pipelined,
  windowOf,
  type OpenPlayer,
  type Part,
  type Player,
  type Sending,
  type Take,
} from '../player.ts'

/**
 * Messages of a process that are on their way at once. A client may publish without waiting (its
 * README), and with QoS 1 a broker's Receive Maximum is the limit (MQTT 5, section 4.9), 65,535
 * here; but each that waits for the socket is a listener to its `drain`, so more made it slower: of
 * 64, 256, 512 and 900, this was best over all.
 */
const WINDOW = 256
const WINDOW_BYTES = 8 * 1024 * 1024

type Quality = 0 | 1

/** MQTT 5 with QoS 0: what is lost is lost. */
export const openMqtt0: OpenPlayer = (part, take) => open(part, take, 0)

/** MQTT 5 with QoS 1: each message is acknowledged to its sender, and by its receiver. */
export const openMqtt1: OpenPlayer = (part, take) => open(part, take, 1)

/** A client for each agent: MQTT has one subscription for each client and topic, not several. */
async function open(part: Part, take: Take, qos: Quality): Promise<Player> {
  const clients = new Map<AgentNumber, MqttClient>()
  for (const agent of agentsOf(part.process, part.cast)) {
    const url = `mqtt://127.0.0.1:${part.ground['port']}`
    clients.set(agent, await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 }))
  }
  const one = (agent: AgentNumber) => {
    const client = clients.get(agent)
    if (client === undefined) throw new Error(`Agent ${agent} is not in process ${part.process}`)
    return client
  }
  const asking = new Asking(qos)
  return {
    card: '',
    meet: async () => {
      for (const [agent, client] of clients) {
        client.on('message', (topic, body) => {
          if (!topic.startsWith('ask/') && !topic.startsWith('answer/')) take(agent, body)
        })
        // No local: a client does not hear what it publishes itself.
        await client.subscribeAsync([...topicsOf(agent, part)], { qos, nl: true })
      }
      if (clients.has(1)) await asking.answer(one(1))
      if (clients.has(LEAD)) await asking.listen(one(LEAD))
    },
    send: (sending) => sendAs(one(sending.from), sending, { part, qos }),
    ask: (body) => asking.ask(one(LEAD), Buffer.from(body)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...clients.values()].map((client) => client.endAsync()))
    },
  }
}

function topicsOf(agent: AgentNumber, { cast }: Part): readonly string[] {
  const crews = cast.crews.filter((size) => agent <= size)
  const picked = crews.filter((size) => pickedOf(size).includes(agent))
  return [
    `inbox/${agent}`,
    ...crews.map((size) => `crew/${size}`),
    ...picked.map((size) => `part/${size}`),
  ]
}

async function sendAs(
  client: MqttClient,
  { run, count, body }: Sending,
  { part, qos }: { readonly part: Part; readonly qos: Quality },
): Promise<void> {
  const topic = topicOf(run)
  const window = windowOf(WINDOW, WINDOW_BYTES, run) / sendersIn(part.process, run, part.cast)
  await pipelined(count, Math.ceil(window), (index) =>
    client.publishAsync(topic, body(index) as Buffer, { qos }),
  )
}

function topicOf({ pattern, agents }: Run): string {
  if (pattern === '1×1') return 'inbox/1'
  if (pattern === 'N×1') return `inbox/${LEAD}`
  return pattern === 'i×j' ? `part/${agents}` : `crew/${agents}`
}

/** Request and response of MQTT 5, section 4.10. */
class Asking {
  readonly #qos: Quality
  readonly #waiting = new Map<string, () => void>()
  #asked = 0

  constructor(qos: Quality) {
    this.#qos = qos
  }

  async answer(client: MqttClient): Promise<void> {
    client.on('message', (topic, body, { properties }) => {
      if (topic !== 'ask/1') return
      const { responseTopic = '', correlationData = Buffer.alloc(0) } = properties ?? {}
      client.publish(responseTopic, body, { qos: this.#qos, properties: { correlationData } })
    })
    await client.subscribeAsync('ask/1', { qos: this.#qos })
  }

  async listen(client: MqttClient): Promise<void> {
    client.on('message', (topic, _body, { properties }) => {
      if (topic !== 'answer/0') return
      this.#waiting.get(properties?.correlationData?.toString() ?? '')?.()
    })
    await client.subscribeAsync('answer/0', { qos: this.#qos })
  }

  async ask(client: MqttClient, body: Buffer): Promise<void> {
    this.#asked += 1
    const id = String(this.#asked)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.set(id, resolve)
    const properties = { responseTopic: 'answer/0', correlationData: Buffer.from(id) }
    await client.publishAsync('ask/1', body, { qos: this.#qos, properties })
    await promise
    this.#waiting.delete(id)
  }
}
