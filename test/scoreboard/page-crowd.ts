import { parseName } from '@ixj/names'
import type { Message, Queue } from '@ixj/agent'
import process from 'node:process'
import { Fleet, FLEET_CREW } from '../world/fleet.ts'
import { TownPage } from '../world/relay-town.ts'

/** What a process of pages tells: how many follow the group, or when how many had the broadcast. */
export type CrowdTold =
  | { readonly kind: 'ready'; readonly pages: number }
  | { readonly kind: 'heard'; readonly pages: number; readonly lastAt: number }

/** Pages that log in at once: as many as one process keeps busy with. */
const AT_ONCE = 20

const [, , url = '', name = '', ...numbers] = process.argv
const [seed = 0, now = 0, first = 0, count = 0] = numbers.map(Number)
const fleet = new Fleet({ seed, now })
const relay = { url, name: parseName(name) }
const queues: Queue<Message>[] = []

/** Logs a page in, and has it follow the crew without a word. */
async function openPage(index: number): Promise<void> {
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
process.send?.({ kind: 'ready', pages: queues.length } satisfies CrowdTold)
let heard = 0
let lastAt = 0
await Promise.all(
  queues.map(async (queue) => {
    for await (const { body } of queue) {
      if (body !== 'to all') continue
      heard += 1
      lastAt = Date.now()
      if (heard === count) {
        process.send?.({ kind: 'heard', pages: heard, lastAt } satisfies CrowdTold)
      }
    }
  }),
)
