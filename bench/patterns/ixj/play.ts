import type { Agent, Group, Message, Queue } from '@ixj/agent'
import { openNode, type Node } from '@ixj/node'
import { letHeapGrow } from '@ixj/node/heap-growth'
import { setTimeout } from 'node:timers/promises'
import { LEAD, pickedOf, sendersIn, sendersOf, type AgentNumber, type Run } from '../cast.ts'
import { pipelined, windowOf, type OpenPlayer, type Part, type Sending } from '../player.ts'
import { homeFolder, nodesOf } from './ground.ts'
import { agentName, crewName, nodeName } from './names.ts'

/** Messages that are given to be sent at once, as NATS is flushed. */
const BATCH = 512
/** Messages of a process that are on their way at once: what a program with many tasks keeps open. */
const WINDOW = 4_096
/** Messages that share a bundle: an agent has at least so many to send, however many it is among. */
const BUNDLE = 256
/**
 * Bytes that are on their way at once, as many as one stream to a host carries: of each process to an
 * inbox, where each has a stream of its own, and of all senders together to a group.
 */
const WINDOW_BYTES = 4 * 1024 * 1024
/** What a reader may be behind before it loses messages. */
const QUEUE_MAX = 262_144
/** Up to so many nodes, everyone is connected with everyone. */
const FULL_MESH_MAX = 16
/** Between two looks at who has been met. */
const LOOK_MS = 20

interface Opened {
  readonly agent: Agent
  readonly crews: Map<string, Group>
}

/** Nodes with their homes on disk: every message signed, verified, authorised and audited. */
export const openIxj: OpenPlayer = async (part, take) => {
  // As the programs of ixj do.
  letHeapGrow()
  await using opening = new AsyncDisposableStack()
  const nodes: Node[] = []
  /** Of each node the agent that is in every crew of the others: they all see the same members. */
  const watching: AgentNumber[] = []
  const agents = new Map<AgentNumber, Opened>()
  for (const [number, here] of nodesOf(part.process, part.cast).entries()) {
    const name = nodeName(part.process, number)
    const home = homeFolder(part.ground['homes'] ?? '', name)
    const node = opening.use(await openNode({ name, home, listen: ['/ip4/127.0.0.1/tcp/0'] }))
    nodes.push(node)
    watching.push(...here.slice(0, 1))
    for (const agent of here) {
      const opened = await node.openAgent(agentName(agent))
      agents.set(agent, { agent: opened, crews: new Map() })
    }
  }
  const one = (agent: AgentNumber) => {
    const opened = agents.get(agent)
    if (opened === undefined) throw new Error(`Agent ${agent} is not in process ${part.process}`)
    return opened
  }
  const open = opening.move()
  return {
    card: JSON.stringify(nodes.map(({ addresses }) => addresses[0])),
    meet: async (cards) => {
      dialAll(part, nodes, cards)
      for (const [agent, { agent: opened, crews }] of agents) {
        for (const topic of crewsOf(agent, part)) crews.set(topic, await opened.join(topic))
        const queueMax = QUEUE_MAX
        void readAll(opened.messages({ queueMax }), (body) => take(agent, body))
        for (const crew of crews.values()) {
          void readAll(crew.messages({ queueMax }), (body) => take(agent, body))
        }
        void answerAll(opened)
      }
      if (part.process > 0) await allAdmitted(nodes)
      await Promise.all(watching.map((agent) => allPresent(one(agent).crews)))
    },
    send: ({ from, ...sending }) => sendAs(one(from), { from, ...sending }, part),
    ask: async (body) => void (await one(LEAD).agent.request(agentName(1), body)),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** Every node dials those before it: all, or in a large town those at distances 1, 2, 4, … */
function dialAll({ process }: Part, nodes: readonly Node[], cards: readonly string[]): void {
  const lists = cards.map((card) => JSON.parse(card) as string[])
  const all = lists.flat()
  const before = lists.slice(0, process).flat().length
  for (const [number, node] of nodes.entries()) {
    const own = before + number
    for (const [place, address] of all.slice(0, own).entries()) {
      const distance = own - place
      const near = (distance & (distance - 1)) === 0
      if (all.length <= FULL_MESH_MAX || near || place === 0) node.keepDialing(address)
    }
  }
}

function crewsOf(agent: AgentNumber, { cast }: Part): readonly string[] {
  return cast.crews.filter((size) => agent <= size).map(crewName)
}

/** Resolves when every node has met the lead's: who is in no crew has nobody else to wait for. */
async function allAdmitted(nodes: readonly Node[]): Promise<void> {
  const lead = nodeName(0, 0)
  while (!nodes.every(({ neighbours }) => neighbours.includes(lead))) await setTimeout(LOOK_MS)
}

/** Resolves when every member of every crew is known here. */
async function allPresent(crews: ReadonlyMap<string, Group>): Promise<void> {
  for (const [topic, crew] of crews) {
    const size = Number(/\d+/.exec(topic)?.[0])
    while (crew.members().length <= size) await setTimeout(LOOK_MS)
  }
}

async function sendAs(opened: Opened, sending: Sending, { process, cast }: Part): Promise<void> {
  const { run, count, body } = sending
  const here = sendersIn(process, run, cast)
  const isInbox = run.pattern === '1×1' || run.pattern === 'N×1'
  const sharing = isInbox ? here : sendersOf(run).length
  const window = windowOf(Math.max(BUNDLE, WINDOW / here), WINDOW_BYTES / sharing, run)
  const send = sendingTo(opened, run)
  // Whole bundles: what is left over of an array is a bundle too, and costs as much as a full one.
  const size = Math.min(BATCH, window < BUNDLE ? window : window - (window % BUNDLE))
  const batches = Math.ceil(count / size)
  await pipelined(batches, Math.max(1, Math.floor(window / size)), (batch) => {
    const first = batch * size
    const length = Math.min(size, count - first)
    return send(Array.from({ length }, (_, index) => body(first + index)))
  })
}

function sendingTo({ agent, crews }: Opened, { pattern, agents }: Run) {
  if (pattern === '1×1' || pattern === 'N×1') {
    const to = agentName(pattern === '1×1' ? 1 : LEAD)
    return (bodies: readonly Uint8Array[]) => agent.sendMany(to, bodies)
  }
  const topic = crewName(agents)
  const crew = crews.get(topic)
  if (crew === undefined) throw new Error(`Not in ${topic}`)
  const to = pattern === 'N×N' || pattern === '1×N' ? undefined : pickedOf(agents).map(agentName)
  const options = to === undefined ? {} : { to }
  return (bodies: readonly Uint8Array[]) => crew.publishMany(bodies, options)
}

async function readAll(queue: Queue<Message>, take: (body: Uint8Array) => void): Promise<void> {
  for await (const batch of queue.batches()) {
    for (const { body } of batch) if (body instanceof Uint8Array) take(body)
  }
}

async function answerAll(agent: Agent): Promise<void> {
  for await (const request of agent.requests()) await request.reply(request.body)
}
