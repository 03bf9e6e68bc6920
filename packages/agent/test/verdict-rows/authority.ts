// oxlint-disable vitest/no-standalone-expect -- verdicts.test.ts makes each case a test
import { parsePattern } from '@ixj/names'
import { expect } from 'vitest'
import { type Condition } from '@ixj/trust'
import { makeBundle, partOf } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import {
  ACCEPTED,
  annsBundle,
  carry,
  CREW,
  DESK,
  expectRefused,
  grantOn,
  refusedAs,
  type Scene,
} from '../scene.ts'
import { type Case, inScene, type Rows } from './row.ts'
import type { BundleChanges } from '../../../../test/world/made-bundle.ts'

/** Bundles of bob's under a grant of acme's with these conditions. */
export async function under(scene: Scene, conditions: readonly Condition[]) {
  const { world, acme } = scene
  const bob = await bindAnyhow(world, acme, 'bob.acme.example')
  const grant = await grantAnyhow(world, acme, { subject: bob.name, topics: [CREW], conditions })
  const epoch = world.clock.now()
  let first = 0
  return (changes: BundleChanges = {}) => {
    first += 1
    const next = { under: grant, epoch, first, ...changes }
    return makeBundle(world, withStatements(bob, grant), CREW, next)
  }
}

/** A condition that one bundle breaks and the next one keeps. */
function condition(
  does: string,
  conditions: readonly Condition[],
  broken: (scene: Scene) => BundleChanges,
): Case {
  return inScene(does, async (scene) => {
    const make = await under(scene, conditions)
    const refused = await make(broken(scene))
    await expectRefused(scene, 'condition', refused, { genuine: await make({ first: 1 }) })
  })
}

/** A child grant that is wider than its parent in one dimension, forged by the parent's holder. */
function wider(
  does: string,
  child: Parameters<typeof grantAnyhow>[2],
  parent: Partial<Parameters<typeof grantAnyhow>[2]> = {},
): Case {
  return inScene(does, async (scene) => {
    const { world, acme } = scene
    const bob = await bindAnyhow(world, acme, 'bob.acme.example')
    const w1 = await bindAnyhow(world, bob, 'w1.bob.acme.example')
    const root = await grantAnyhow(world, acme, {
      subject: bob.name,
      topics: [CREW],
      actions: ['publish'],
      mayDelegate: [parsePattern('*.bob.acme.example')],
      ...parent,
    })
    const common = { onBehalfOf: acme.name, parent: root.id, actions: ['publish'] as const }
    const forged = await grantAnyhow(world, bob, { ...common, ...child })
    const honest = await grantAnyhow(world, bob, {
      ...common,
      subject: w1.name,
      topics: [CREW],
      ...(parent.conditions === undefined ? {} : { conditions: parent.conditions }),
    })
    const epoch = world.clock.now()
    const refused = await makeBundle(world, withStatements(w1, root, forged), CREW, {
      under: forged,
      epoch,
    })
    const genuine = await makeBundle(world, withStatements(w1, root, honest), CREW, {
      under: honest,
      epoch,
    })
    await expectRefused(scene, 'wider-than-parent', refused, { genuine })
  })
}

const W1 = 'w1.bob.acme.example'

/** What grants decide. */
export const authorityRows = {
  'wider-than-parent': [
    wider('blames for an action more', {
      subject: W1,
      topics: [CREW],
      actions: ['publish', 'request'],
    }),
    wider('blames for a topic more', { subject: W1, topics: [CREW, DESK] }),
    wider('blames for another onBehalfOf', {
      subject: W1,
      topics: [CREW],
      onBehalfOf: 'bob.acme.example' as never,
    }),
    wider('blames for a subject outside of mayDelegate', {
      subject: '**.acme.example',
      topics: [CREW],
    }),
    wider('blames for a later end', {
      subject: W1,
      topics: [CREW],
      notAfter: Date.UTC(2027, 0),
    }),
    wider('blames for an earlier start', { subject: W1, topics: [CREW], notBefore: 0 }),
    wider(
      'blames for a condition less',
      { subject: W1, topics: [CREW] },
      { conditions: [['bytesPerMessage', 1_000]] },
    ),
    wider(
      'blames for a weaker condition',
      { subject: W1, topics: [CREW], conditions: [['bytesPerMessage', 1_001]] },
      { conditions: [['bytesPerMessage', 1_000]] },
    ),
    inScene('blames for a part of a grant that may not be delegated', async (scene) => {
      const { world, acme } = scene
      const bob = await bindAnyhow(world, acme, 'bob.acme.example')
      const w1 = await bindAnyhow(world, bob, W1)
      const parent = await grantAnyhow(world, acme, { subject: bob.name, topics: [CREW] })
      const child = await grantAnyhow(world, bob, {
        subject: w1.name,
        topics: [CREW],
        onBehalfOf: acme.name,
        parent: parent.id,
      })
      const made = await makeBundle(world, withStatements(w1, parent, child), CREW, {
        under: child,
      })
      await expectRefused(scene, 'wider-than-parent', made)
    }),
  ],
  'outside-slice': [
    inScene('blames for a root grant on a topic that its issuer does not own', async (scene) => {
      const { world } = scene
      const bob = await bindAnyhow(world, scene.acme, 'bob.acme.example')
      const self = await grantAnyhow(world, bob, { subject: bob.name, topics: [CREW] })
      const made = await makeBundle(world, withStatements(bob, self), CREW, { under: self })
      await expectRefused(scene, 'outside-slice', made)
    }),
    inScene(
      'blames for a root grant on behalf of a name that its issuer does not own',
      async (scene) => {
        const { world, acme } = scene
        const bob = await bindAnyhow(world, acme, 'bob.acme.example')
        const grant = await grantAnyhow(world, acme, {
          subject: bob.name,
          topics: [CREW],
          onBehalfOf: 'globex.example' as never,
        })
        const made = await makeBundle(world, withStatements(bob, grant), CREW, { under: grant })
        await expectRefused(scene, 'outside-slice', made)
      },
    ),
  ],
  'wrong-subject': [
    inScene('leaves a bundle under somebody else’s grant alone', async (scene) => {
      const { world, ann } = scene
      const bob = await bindAnyhow(world, scene.acme, 'bob.acme.example')
      const stolen = grantOn(ann, CREW)
      const made = await makeBundle(world, withStatements(bob, stolen), CREW, { under: stolen })
      await expectRefused(scene, 'wrong-subject', made)
    }),
    inScene(
      'leaves the next bearer of a name alone, for whose key the grant is not',
      async (scene) => {
        const { world } = scene
        const bearer = await bindAnyhow(world, scene.acme, 'ann.acme.example')
        const old = grantOn(scene.ann, CREW)
        const made = await makeBundle(world, withStatements(bearer, old), CREW, { under: old })
        await expectRefused(scene, 'wrong-subject', made)
      },
    ),
  ],
  'not-granted': [
    inScene('leaves a bundle without a grant on a group alone', async (scene) => {
      const genuine = await annsBundle(scene, CREW)
      const made = await makeBundle(scene.world, scene.ann, CREW)
      await expectRefused(scene, 'not-granted', made, { genuine })
    }),
    inScene('leaves an action alone that the grant does not name', async (scene) => {
      const { world, acme } = scene
      const bob = await bindAnyhow(world, acme, 'bob.acme.example')
      const mayAsk = await grantAnyhow(world, acme, {
        subject: bob.name,
        topics: [CREW],
        actions: ['request'],
      })
      const epoch = world.clock.now()
      const made = (action: 'publish' | 'request') =>
        makeBundle(world, withStatements(bob, mayAsk), CREW, { under: mayAsk, action, epoch })
      await expectRefused(scene, 'not-granted', await made('publish'), {
        genuine: await made('request'),
      })
    }),
    inScene('leaves a topic alone that the grant does not name', async (scene) => {
      const made = await makeBundle(scene.world, scene.ann, CREW, {
        under: grantOn(scene.ann, DESK),
      })
      await expectRefused(scene, 'not-granted', made)
    }),
    inScene('lets the owner of a group publish without a grant', async (scene) => {
      const made = await makeBundle(scene.world, scene.acme, CREW)
      expect(await carry(scene, made)).toEqual(ACCEPTED)
    }),
  ],
  condition: [
    inScene('keeps to the hours of the day', async (scene) => {
      const make = await under(scene, [['hours', [0, 1]]])
      const [first, second] = [await make(), await make({ lifespanMs: 200_000 })]
      expect(await carry(scene, first)).toEqual(ACCEPTED)
      scene.crewInbox.drain()
      await scene.world.pass(60_000)
      await expectRefused(scene, 'condition', second)
    }),
    condition('keeps to the bytes per message', [['bytesPerMessage', 100]], ({ world }) => ({
      parts: [partOf(world, 'x'.repeat(100))],
    })),
    condition('keeps to the highest priority', [['maxPriority', 2]], () => ({ priority: 3 })),
    condition('keeps to priority 1 where the grant says nothing', [], () => ({ priority: 2 })),
    inScene('keeps to the messages per second, over sentAt', async (scene) => {
      const make = await under(scene, [['messagesPerSecond', 2]])
      expect(await carry(scene, await make())).toEqual(ACCEPTED)
      expect(await carry(scene, await make())).toEqual(ACCEPTED)
      scene.crewInbox.drain()
      expect(await carry(scene, await make())).toEqual(refusedAs('condition'))
      await scene.world.pass(1_000)
      expect(await carry(scene, await make({ first: 3 }))).toEqual(ACCEPTED)
    }),
    inScene('counts the messages of children against their parent', async (scene) => {
      const { world, acme } = scene
      const bob = await bindAnyhow(world, acme, 'bob.acme.example')
      const conditions = [['messagesPerSecond', 2]] as const
      const root = await grantAnyhow(world, acme, {
        subject: bob.name,
        topics: [CREW],
        mayDelegate: [parsePattern('*.bob.acme.example')],
        conditions,
      })
      const codes: string[] = []
      for (const label of ['w1', 'w2', 'w3']) {
        const child = await bindAnyhow(world, bob, `${label}.bob.acme.example`)
        const grant = await grantAnyhow(world, bob, {
          subject: child.name,
          topics: [CREW],
          onBehalfOf: acme.name,
          notBefore: root.statement.notBefore,
          notAfter: root.statement.notAfter,
          parent: root.id,
          conditions,
        })
        const identity = withStatements(child, root, grant)
        codes.push(
          (await carry(scene, await makeBundle(world, identity, CREW, { under: grant }))).code,
        )
      }
      expect(codes).toEqual(['accepted', 'accepted', 'condition'])
    }),
    inScene('leaves priority 2 without a grant alone', async (scene) => {
      const epoch = scene.world.clock.now()
      const made = (priority: number) =>
        makeBundle(scene.world, scene.acme, CREW, { priority, epoch })
      await expectRefused(scene, 'condition', await made(2), { genuine: await made(1) })
    }),
  ],
  'unknown-condition': [
    inScene('leaves a grant alone with a condition of a later version', async (scene) => {
      const make = await under(scene, [['moonPhase', 3]])
      await expectRefused(scene, 'unknown-condition', await make())
    }),
  ],
} satisfies Rows
