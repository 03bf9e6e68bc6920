import { issueRevocation } from '@ixj/agent'
import type { RevocationTarget } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { CREW, crewGrant, grantOn, NODE, openScene } from '../scene.ts'
import { makeBundle } from '../../../../test/world/made-bundle.ts'

/** A lead, and a worker below it whose grant is a part of the lead's; what the worker said is kept. */
async function openKept() {
  const scene = await openScene()
  const { world, acme, node } = scene
  const lead = await world.bind(acme, 'lead.acme.example', {
    uses: 'both',
    depth: 1,
    grants: [crewGrant(['**.lead.acme.example'])],
  })
  const worker = await world.bind(lead, 'w.lead.acme.example', { grants: [crewGrant()] })
  const under = grantOn(worker, CREW)
  await scene.raw.give(NODE, await makeBundle(world, worker, CREW, { under }))
  const read = async () => {
    const asked = scene.crew.messages({ history: 10 })
    await world.pass(50)
    return asked.drain().map(({ sender }) => sender)
  }
  const revoke = async (target: RevocationTarget) => {
    const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
    await world.until(node.host.takeNotice((await issueRevocation(acme, target, context)).bytes))
  }
  return { ...scene, lead, worker, under, read, revoke }
}

describe('what is kept of a topic', () => {
  it('is shown as long as all that it rests on is', async () => {
    await using kept = await openKept()
    expect(await kept.read()).toEqual(['w.lead.acme.example'])
    // What has ended by itself is no reason to hide what was said.
    await kept.world.pass(60_000)
    expect(await kept.read()).toEqual(['w.lead.acme.example'])
  })

  it.each<[string, (kept: Awaited<ReturnType<typeof openKept>>) => RevocationTarget]>([
    ['its key', ({ worker }) => ({ kind: 'key', name: worker.name, key: worker.signer.publicKey })],
    ['a key above', ({ lead }) => ({ kind: 'key', name: lead.name, key: lead.signer.publicKey })],
    ['its grant', ({ under }) => ({ kind: 'statement', id: under.id })],
    ['a grant above', ({ lead }) => ({ kind: 'statement', id: grantOn(lead, CREW).id })],
  ])('is hidden when %s is revoked', async (_what, targetOf) => {
    await using kept = await openKept()
    expect(await kept.read()).toHaveLength(1)
    await kept.revoke(targetOf(kept))
    expect(await kept.read()).toEqual([])
  })
})
