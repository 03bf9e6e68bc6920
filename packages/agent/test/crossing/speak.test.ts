import { explanationOf } from '../../src/explanation-of.ts'
import type { Identity } from '@ixj/agent'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { name, World, type WorldNode } from '../../../../test/world/world.ts'
import { bodies, toInbox } from '../town.ts'

const DESK = 'desk.acme.example'
const BOT = name('bot.acme.example')

let world: World
let acme: Identity
let one: WorldNode
let two: WorldNode
beforeEach(async () => {
  world = new World(1)
  acme = world.organisation('acme.example')
  one = await world.node(acme, 'n1.acme.example')
  two = await world.node(acme, 'n2.acme.example')
  await world.connect('n1.acme.example', 'n2.acme.example')
})
afterEach(() => world.close())

/** What the bot lets the second node do for it, as that node holds it: the bot's key is elsewhere. */
async function spokenBot(actions: readonly ('host' | 'speak')[]): Promise<Identity> {
  const bot = await world.bind(acme, BOT)
  const { name: subject, signer } = two.identity
  const granted = await grantAnyhow(world, bot, {
    subject,
    subjectKey: signer.publicKey,
    actions,
    topics: [BOT],
  })
  const write = await grantAnyhow(world, acme, { subject: BOT, topics: [DESK] })
  const identity = {
    name: BOT,
    signer,
    statements: [...bot.statements, ...two.identity.statements],
  }
  return withStatements(identity, granted, write)
}

describe('a node that speaks for a name', () => {
  it('sends, asks and is answered in that name, with its own key', async () => {
    const desk = await one.host.openAgent(await world.bind(acme, DESK, { grants: [toInbox(BOT)] }))
    const decisions = one.host.decisions()
    const bot = await two.host.openAgent(await spokenBot(['host', 'speak']))
    const inbox = desk.messages()
    await world.until(bot.send(DESK, 'hello'))
    await world.pass(500)
    expect(bodies(inbox)).toEqual(['hello'])
    const [accepted] = decisions.drain().filter(({ about }) => about === 'bundle')
    expect(explanationOf(accepted!)).toMatchObject({ outcome: 'accepted', sender: BOT })
    expect(explanationOf(accepted!).name.lines).toContain(
      'signed by n2.acme.example, which may speak for bot.acme.example by the word of bot.acme.example',
    )
    const serve = async () => {
      for await (const request of desk.requests()) await request.reply(`for ${request.sender}`)
    }
    void serve()
    const answer = await world.until(bot.request(DESK, 'who am I?'))
    expect(answer.body).toBe(`for ${BOT}`)
  })

  it('is refused at home where it may only host, or only speak', async () => {
    await expect(spokenBot(['host']).then((bot) => two.host.openAgent(bot))).rejects.toMatchObject({
      code: 'no-chain',
    })
    await expect(spokenBot(['speak']).then((bot) => two.host.openAgent(bot))).rejects.toMatchObject(
      {
        code: 'not-granted',
      },
    )
  })

  it('cannot be imitated by another node that has the grant and not its key', async () => {
    const stolen = await spokenBot(['host', 'speak'])
    const thief = { ...stolen, signer: one.identity.signer }
    await expect(one.host.openAgent(thief)).rejects.toMatchObject({ code: 'no-chain' })
  })
})
