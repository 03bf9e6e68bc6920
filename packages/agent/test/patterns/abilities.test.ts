import { AgentError } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import { expect, test } from 'vitest'
import { allAbilities } from '../../src/host/open-host.ts'
import { Town } from '../town.ts'

const MAY_ASK = {
  id: 'all may ask',
  effect: 'permit',
  sender: parsePattern('**.acme.example'),
  actions: ['request'],
  topic: parsePattern('**.acme.example'),
} as const

/** Nothing comes, as in a page that is offline. */
async function nothing(): Promise<never> {
  throw new AgentError('unreachable', 'Cannot load what births need: offline')
}

test('openHostWith() asks for an ability when it is used, and each use says that it did not come', async () => {
  const asked: string[] = []
  const births = async () => {
    asked.push('births')
    return await nothing()
  }
  const abilities = { ...allAbilities, births, gathering: nothing }
  await using town = await Town.open(1, { abilities })
  const boss = await town.agent('boss', 1, { uses: 'both', depth: 1 })
  expect(asked).toEqual([])
  const failed = { code: 'unreachable' }
  await expect(boss.spawn('w1', { lifetimeSeconds: 60 })).rejects.toMatchObject(failed)
  await expect(boss.gather('boss.acme.example')).rejects.toMatchObject(failed)
  expect(asked).toEqual(['births'])
})

test('an offer is refused, and told here, when what reads it does not come', async () => {
  const isThere = { births: true }
  const births = () => (isThere.births ? allAbilities.births() : nothing())
  await using town = await Town.open(2, {
    rules: [MAY_ASK],
    abilities: { ...allAbilities, births },
  })
  const boss = await town.agent('boss', 1, { uses: 'both', depth: 1 })
  const decisions = town.nodes[0]!.host.decisions()
  const asking = town.nodes[1]!.host.askName(boss.name, 'w1')
  // The one who asks has it; the one who is asked does not.
  isThere.births = false
  await expect(town.world.until(asking)).rejects.toMatchObject({
    code: 'refused',
    remoteCode: 'own-fault',
  })
  expect(decisions.drain()).toContainEqual(
    expect.objectContaining({ about: 'delivery', code: 'own-fault' }),
  )
})
