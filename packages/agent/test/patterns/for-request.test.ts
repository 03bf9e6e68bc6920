import type { Agent, IncomingRequest } from '@ixj/agent'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { outcomeOf, Town } from '../town.ts'

const DEPUTY = name('d.acme.example')
const FILES = name('files.acme.example')
const ANN = name('ann.acme.example')
const BOB = name('bob.acme.example')

let town: Town
let deputy: Agent
let request: IncomingRequest

/** A deputy that may write to the files for ann and for bob, and is asked by ann. */
beforeEach(async () => {
  town = await Town.open(2)
  const forEach = (onBehalfOf: typeof ANN) =>
    ({
      actions: ['publish', 'request'],
      topics: [FILES],
      onBehalfOf,
      mayDelegate: ['*.d.acme.example'],
    }) as const
  deputy = await town.agent('d', 1, {
    grants: [forEach(ANN), forEach(BOB)],
    uses: 'both',
    depth: 1,
  })
  request = await askFor(ANN)
})

afterEach(async () => {
  await town[Symbol.asyncDispose]()
})

/** A request to the deputy that acts for a name. */
async function askFor(onBehalfOf: typeof ANN): Promise<IncomingRequest> {
  const ask = { actions: ['request'], topics: [DEPUTY], onBehalfOf } as const
  const asker = await town.agent(`asker-of-${onBehalfOf.split('.')[0]}`, 2, { grants: [ask] })
  void outcomeOf(asker.request(DEPUTY, 'write', { lifespanMs: 600_000 }))
  await town.world.pass(100)
  for await (const asked of deputy.requests()) return asked
  throw new Error('The deputy was closed')
}

/** The deputy's grant on behalf of a name. */
function grantFor(whom: typeof ANN) {
  const found = deputy.grants.find(({ statement }) => statement.onBehalfOf === whom)
  if (found === undefined) throw new Error(`The deputy has no grant for ${whom}`)
  return found
}

describe('a verb for a request', () => {
  it('acts under the grant on behalf of whom the request acts, and needs no other word', async () => {
    const files = (await town.agent('files', 2)).messages()
    await town.world.pass(200)
    await town.world.until(deputy.send(FILES, 'x', { for: request }))
    await town.world.pass(50)
    expect(files.drain()).toMatchObject([{ body: 'x', sender: DEPUTY, onBehalfOf: ANN }])
  })

  it('refuses a grant of another that was named, and takes its own', async () => {
    const sending = (whom: typeof ANN) =>
      outcomeOf(deputy.send(FILES, 'x', { for: request, under: grantFor(whom).id, lifespanMs: 1 }))
    const [mixed, own] = [sending(BOB), sending(ANN)]
    await town.world.pass(100)
    expect(mixed.code).toBe('mixed-behalf')
    expect(own.code).toBe('unreachable')
  })

  it('does not use what the agent owns itself, unless the request acts for the agent', async () => {
    const forItself = await askFor(DEPUTY)
    const sending = (asked: IncomingRequest) =>
      outcomeOf(deputy.send('log.d.acme.example', 'x', { for: asked, lifespanMs: 1 }))
    const [forAnn, forDeputy] = [sending(request), sending(forItself)]
    await town.world.pass(10)
    expect(forAnn.code).toBe('mixed-behalf')
    expect(forDeputy.code).toBe('unreachable')
  })

  it('does not fall back on an inbox’s policy in the agent’s own name', async () => {
    const sent = outcomeOf(deputy.send('desk.acme.example', 'x', { for: request }))
    await town.world.pass(10)
    expect(sent.code).toBe('mixed-behalf')
  })

  it('refuses a copy of the request with another name in it', async () => {
    const forged = { ...request, onBehalfOf: BOB }
    const sent = outcomeOf(deputy.send(FILES, 'x', { for: forged, under: grantFor(BOB).id }))
    await town.world.pass(10)
    expect(sent.code).toBe('argument')
  })

  it('refuses a request that another agent was asked', async () => {
    const other = await town.agent('e', 1)
    const sent = outcomeOf(other.send(FILES, 'x', { for: request }))
    await town.world.pass(10)
    expect(sent.code).toBe('argument')
  })

  it('throws ambiguous-authority without it, since two grants fit', async () => {
    const sent = outcomeOf(deputy.send(FILES, 'x'))
    await town.world.pass(10)
    expect(sent.code).toBe('ambiguous-authority')
  })
})

describe('spawn() for a request', () => {
  const publish = { actions: ['publish'], topics: [FILES] } as const

  it('passes on only what is on behalf of whom the request acts', async () => {
    const child = await deputy.spawn('w1', { lifetimeSeconds: 60, grants: [publish], for: request })
    expect(child.grants.map(({ statement }) => statement.onBehalfOf)).toEqual([ANN])
  })

  it('refuses another’s grant, and roots in the agent’s own slice', async () => {
    const spawning = (grant: object) =>
      deputy.spawn('w1', { lifetimeSeconds: 60, grants: [{ ...publish, ...grant }], for: request })
    const refused = { code: 'mixed-behalf' }
    await expect(spawning({ under: grantFor(BOB).id })).rejects.toMatchObject(refused)
    const slice = { topics: ['log.d.acme.example'] }
    await expect(spawning(slice)).rejects.toMatchObject(refused)
  })
})
