import { childName, type Name, parseName } from '@ixj/names'
import type { Agent } from '@ixj/agent'
import { describe, expect, test } from 'vitest'
import { bodyText } from '../src/views/body-text.ts'
import { openRelayPair, SPEAKER } from './relay-pair.ts'
import { PAGE_TEST_MS, useBrowser } from './scene.ts'
import { TabAgent, type Thread } from './tab-agent.ts'

const scene = useBrowser()

const CASES: readonly { readonly where: string; readonly thread: Thread }[] = [
  { where: 'in two tabs', thread: 'here' },
  { where: 'in Web Workers of two tabs', thread: 'inWorker' },
]
const [first, second] = [parseName('sam.acme.example'), parseName('kim.acme.example')]

/** Answers every request until the agent ends. */
async function answer(agent: Agent): Promise<void> {
  for await (const request of agent.requests()) {
    await request.reply(`${agent.name} heard ${bodyText(request.body)}`)
  }
}

describe.each(CASES)('agents $where and one in Node', ({ thread }) => {
  test(
    'talk one to one, one to many, many to one and many to many',
    async () => {
      await using pair = await openRelayPair()
      const open = async (from: number, name: Name) => {
        const opened = await scene.openPage(pair.places[from]!.url)
        return await TabAgent.open(pair, opened, { name, thread })
      }
      await using sam = await open(0, first)
      await using kim = await open(1, second)
      await sam.members([second, SPEAKER])
      await kim.members([first, SPEAKER])
      void answer(pair.speaker)

      // 1×1: between tabs, from a tab to Node, and from Node to a tab.
      expect(await sam.ask(second, 'one')).toBe(`${second} heard one`)
      expect(await kim.ask(SPEAKER, 'two')).toBe(`${SPEAKER} heard two`)
      const told = await pair.speaker.request(first, 'three', { lifespanMs: 10_000 })
      expect([told.sender, told.body]).toEqual([first, `${first} heard three`])

      // 1×N: everybody but the one who asks.
      const allBut = (asker: Name) => [first, second, SPEAKER].filter((name) => name !== asker)
      const said = (asker: Name) =>
        allBut(asker)
          .map((name) => `${name} heard roll-call`)
          .toSorted()
      expect(await sam.askAll('roll-call')).toEqual(said(first))
      const replies: string[] = []
      for await (const reply of pair.crew.fanOut('roll-call', { lifespanMs: 10_000 })) {
        replies.push(reply.status === 'replied' ? bodyText(reply.message.body) : reply.status)
      }
      expect(replies.toSorted()).toEqual(said(SPEAKER))

      // N×1: to an inbox of a tab, and to one in Node.
      const desk = childName(first, 'desk')
      await sam.gather(desk)
      await Promise.all([kim.send(desk, 'from kim'), sendTask(pair.speaker, desk, 'from Node')])
      expect(await sam.gathered(2)).toEqual(['from Node', 'from kim'])
      const office = childName(SPEAKER, 'office')
      const reports = await pair.speaker.gather(office, { windowMs: 200 })
      const sending = Promise.all([sam.send(office, 'from sam'), kim.send(office, 'from kim')])
      const reported: string[] = []
      // A task is done, and acknowledged, when the batch after it is asked for.
      const reading = (async () => {
        for await (const { messages } of reports) {
          reported.push(...messages.map(({ body }) => bodyText(body)))
        }
      })()
      await sending
      await reports[Symbol.asyncDispose]()
      await reading
      expect(reported.toSorted()).toEqual(['from kim', 'from sam'])

      // N×N: everybody hears all the others, and nobody twice.
      const says = (name: Name) => `${name} says this`
      const heard = pair.crew.messages()
      await Promise.all([sam.publish(says(first)), kim.publish(says(second))])
      await pair.crew.publish(says(SPEAKER))
      const others = (name: Name) => allBut(name).map(says).toSorted()
      expect(await sam.hears(others(first))).toEqual(others(first))
      expect(await kim.hears(others(second))).toEqual(others(second))
      const bodies: string[] = []
      for await (const { body } of heard) {
        if (bodies.push(bodyText(body)) === 2) heard.close()
      }
      expect(bodies.toSorted()).toEqual(others(SPEAKER))
      expect([sam.opened.problems, kim.opened.problems]).toEqual([[], []])
    },
    PAGE_TEST_MS,
  )
})

/** Sends a task, and waits until its receiver has it. */
async function sendTask(from: Agent, to: Name, body: string): Promise<void> {
  const { acknowledged } = await from.send(to, body, { class: 'task', lifespanMs: 20_000 })
  await acknowledged.all()
}
