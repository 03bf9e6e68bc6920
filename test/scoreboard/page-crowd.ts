import { parseName } from '@ixj/names'
import { type Message, type Queue, Refusal } from '@ixj/agent'
import { nodeSha256 } from '@ixj/node'
import { decodeApplication, equalBytes, TrustError } from '@ixj/trust'
import process from 'node:process'
import { decodeBundle } from '../../packages/agent/src/bundles/bundle.ts'
import { decodeMessages } from '../../packages/agent/src/bundles/message.ts'
import { Fleet, FLEET_CREW } from '../world/fleet.ts'
import { TownPage } from '../world/relay-town.ts'
import { LeanPage } from './lean-page.ts'

/** What a process of pages tells: how many follow the group, or when how many had the broadcast. */
export type CrowdTold =
  | { readonly kind: 'ready'; readonly pages: number }
  | { readonly kind: 'heard'; readonly pages: number; readonly lastAt: number }

/** Pages that log in at once: as many as one process keeps busy with. */
const AT_ONCE = 20
/** Of so many pages one is a whole host, which checks each message. */
const WHOLE_EVERY = 250
const BROADCAST = 'to all'

const [, , url = '', name = '', ...numbers] = process.argv
const [seed = 0, now = 0, first = 0, count = 0] = numbers.map(Number)
const fleet = new Fleet({ seed, now })
const relay = { url, name: parseName(name) }
const queues: Queue<Message>[] = []
const lean = new Set<LeanPage>()
const heard = new Set<LeanPage | Queue<Message>>()
/** Bytes that were found to be the broadcast: pages on one relay get the same. */
let broadcast: Uint8Array | undefined

const world = {
  fleet,
  relay,
  heard: (page: LeanPage, bytes: Uint8Array) => {
    if (broadcast === undefined && isBroadcast(bytes)) broadcast = bytes
    if (broadcast !== undefined && equalBytes(bytes, broadcast)) noteHeard(page)
  },
}

function isBroadcast(bytes: Uint8Array): boolean {
  try {
    const { header, messagesBytes } = decodeBundle(bytes, nodeSha256)
    const [message] = decodeMessages(messagesBytes, header.count)
    return message !== undefined && decodeApplication(message.body) === BROADCAST
  } catch (cause) {
    // Presence comes on the same topic, and is no bundle.
    if (cause instanceof TrustError || cause instanceof Refusal) return false
    throw cause
  }
}

/** Notes who has the broadcast, and tells when all have. */
function noteHeard(page: LeanPage | Queue<Message>): void {
  heard.add(page)
  if (heard.size !== count) return
  process.send?.({ kind: 'heard', pages: heard.size, lastAt: Date.now() } satisfies CrowdTold)
}

/** Logs a page in, and has it follow the crew without a word. */
async function openPage(index: number): Promise<void> {
  if (index % WHOLE_EVERY !== 2) {
    lean.add(await LeanPage.open(index, world))
    return
  }
  const identity = await fleet.reader(index)
  const page = await TownPage.openAs(identity, fleet, [relay])
  await page.admitted(1, AbortSignal.timeout(120_000))
  const crew = await page.host.self.join(FLEET_CREW, { quiet: true })
  queues.push(crew.messages())
}

for (let done = 0; done < count; done += AT_ONCE) {
  const size = Math.min(AT_ONCE, count - done)
  await Promise.all(Array.from({ length: size }, (_, at) => openPage(first + done + at)))
}
process.send?.({ kind: 'ready', pages: queues.length + lean.size } satisfies CrowdTold)
await Promise.all(
  queues.map(async (queue) => {
    for await (const { body } of queue) if (body === BROADCAST) noteHeard(queue)
  }),
)
