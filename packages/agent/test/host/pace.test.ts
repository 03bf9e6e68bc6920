import { describe, expect, it } from 'vitest'
import { HANDOVER_PACED_MS, HANDOVER_UNPACED_MS } from '../../src/limits.ts'
import { bodies, Town } from '../town.ts'

/** Members on two nodes; the test says whether the first one's neighbours have much to take. */
async function openRoad() {
  const town = await Town.open(2, { latencyMs: [1, 1] })
  const { crew } = await town.member('a', 1)
  const { crew: other } = await town.member('b', 2)
  await town.world.pass(1_000)
  const road = { isCrowded: false }
  Object.assign(town.nodes[0]!.transport, { isCrowded: () => road.isCrowded })
  return { town, world: town.world, crew, inbox: other.messages(), road }
}

describe('handing over to a group', () => {
  it('waits while most neighbours have much to take, and goes on as soon as they have taken it', async () => {
    const { town, world, crew, inbox, road } = await openRoad()
    await using _ = town
    road.isCrowded = true
    const sent = crew.publish('one')
    await world.pass(HANDOVER_PACED_MS / 2)
    expect(bodies(inbox)).toEqual([])
    road.isCrowded = false
    await world.pass(10)
    expect(bodies(inbox)).toEqual(['one'])
    expect(await sent).toMatchObject({ peers: 1 })
  })

  it('waits in vain once in a while only: who takes nothing does not hold up the others', async () => {
    const { town, world, crew, inbox, road } = await openRoad()
    await using _ = town
    road.isCrowded = true
    void crew.publish('one')
    await world.pass(HANDOVER_PACED_MS - 10)
    expect(bodies(inbox)).toEqual([])
    await world.pass(20)
    expect(bodies(inbox)).toEqual(['one'])
    await world.until(crew.publish('two'))
    await world.pass(10)
    expect(bodies(inbox)).toEqual(['two'])
    await world.pass(HANDOVER_UNPACED_MS)
    void crew.publish('three')
    await world.pass(HANDOVER_PACED_MS - 10)
    expect(bodies(inbox)).toEqual([])
    await world.pass(20)
    expect(bodies(inbox)).toEqual(['three'])
  })
})
