import type { IncomingRequest } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import { SKEW_MS } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeBundle, partOf, type BundleChanges } from '../../../../test/world/made-bundle.ts'
import { ANSWERS_UNTOLD_MAX, EVENT_LIFESPAN_MS_MAX, REFUSAL_TOLD_MS } from '../../src/limits.ts'
import { decodeBundle } from '../../src/bundles/bundle.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { DESK, NODE, openScene, type Scene } from '../scene.ts'
import { outcomeOf } from '../town.ts'

/** A neighbour's own request to the desk, as far ahead and as long-lived as may be. */
async function ask(scene: Scene, changes: BundleChanges = {}): Promise<void> {
  const { world, raw } = scene
  const request = await makeBundle(world, raw.identity, DESK, {
    action: 'request',
    sentAt: world.clock.now() + SKEW_MS,
    lifespanMs: EVENT_LIFESPAN_MS_MAX,
    ...changes,
  })
  await raw.give(NODE, request)
}

/** The answers that reached the neighbour's own inbox. */
const answers = ({ raw }: Scene) =>
  raw.heard
    .filter(({ topic }) => topic === raw.identity.name)
    .map(({ bytes }) => decodeBundle(bytes, nodeSha256).header)

async function nextRequest(scene: Scene): Promise<IncomingRequest> {
  const next = await scene.desk.requests()[Symbol.asyncIterator]().next()
  return next.value as IncomingRequest
}

const welcome = {
  id: 'raw may ask',
  effect: 'permit',
  sender: parsePattern('raw.acme.example'),
  actions: ['request'],
  topic: parsePattern(DESK),
} as const

describe('a request from a minute ahead that lives as long as may be', () => {
  it('is answered: the answer lives no longer than an answer may', async () => {
    await using scene = await openScene({ rules: [welcome] })
    await scene.raw.openInbox(NODE)
    await ask(scene)
    const request = await nextRequest(scene)
    const replied = outcomeOf(request.reply('yes'))
    await scene.world.pass(100)
    expect(replied).toEqual({ value: undefined })
    expect(answers(scene)).toMatchObject([
      { action: 'answer', sender: DESK, lifespanMs: EVENT_LIFESPAN_MS_MAX },
    ])
  })

  it('is told when it is refused', async () => {
    await using scene = await openScene()
    await scene.raw.openInbox(NODE)
    await ask(scene)
    await scene.world.pass(100)
    expect(scene.node.host.counts.get('policy')).toBe(1)
    expect(answers(scene)).toMatchObject([{ action: 'answer', sender: DESK }])
  })
})

describe('a request of which little is left', () => {
  it('is answered for what is left of it', async () => {
    await using scene = await openScene({ rules: [welcome] })
    await scene.raw.openInbox(NODE)
    await ask(scene, { sentAt: scene.world.clock.now(), lifespanMs: 1_000 })
    const request = await nextRequest(scene)
    await scene.world.pass(500)
    await scene.world.until(request.reply('yes'))
    await scene.world.pass(100)
    const [answer] = answers(scene)
    expect(answer!.lifespanMs).toBeLessThanOrEqual(500)
    expect(answer!.lifespanMs).toBeGreaterThan(0)
  })
})

describe('refusals of requests whose sender cannot be reached', () => {
  const parts = ({ world }: Scene) => Array.from({ length: 256 }, () => partOf(world, 'please'))
  const answered = (scene: Scene) => answers(scene).reduce((sum, { count }) => sum + count, 0)
  const asked = 5

  it('are few: those that are too many are left out, and that is told', async () => {
    await using scene = await openScene()
    for (let time = 0; time < asked; time++) await ask(scene, { parts: parts(scene) })
    const full = scene.decisions.drain().filter(({ code }) => code === 'table-full')
    expect(full).toHaveLength(asked * 256 - ANSWERS_UNTOLD_MAX)
    await scene.raw.openInbox(NODE)
    await scene.world.pass(100)
    expect(answered(scene)).toBe(ANSWERS_UNTOLD_MAX)
  })

  it('wait for it no longer than some seconds, however long the request lives', async () => {
    await using scene = await openScene()
    await ask(scene, { parts: parts(scene) })
    await scene.world.pass(REFUSAL_TOLD_MS + 100)
    await scene.raw.openInbox(NODE)
    await scene.world.pass(100)
    expect(answered(scene)).toBe(0)
    await ask(scene, { parts: parts(scene) })
    await scene.world.pass(100)
    expect(answered(scene)).toBe(256)
  })
})
