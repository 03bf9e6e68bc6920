// oxlint-disable vitest/no-standalone-expect -- verdicts.test.ts makes each case a test
import { encodeProof, isBinding, proofIdOf, SKEW_MS } from '@ixj/trust'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { parsePattern } from '@ixj/names'
import { expect } from 'vitest'
import { makeBundle, proofOf } from '../../../../test/world/made-bundle.ts'
import {
  bindAnyhow,
  crossAnyhow,
  grantAnyhow,
  withStatements,
} from '../../../../test/world/made-statement.ts'
import { foreignAnchor, World } from '../../../../test/world/world.ts'
import type { Identity } from '@ixj/agent'
import { provingStatements } from '../../src/host/identity.ts'
import {
  ACCEPTED,
  annsBundle,
  carry,
  carryAt,
  CREW,
  DESK,
  expectRefused,
  refusedAs,
  type Scene,
} from '../scene.ts'
import { type Case, inScene, type Rows } from './row.ts'

/** A crew bundle of a name bound in any way, under a grant of acme's for it. */
async function bundleOf(scene: Scene, identity: Identity) {
  const { world, acme } = scene
  const subjectKey = identity.signer.publicKey
  const grant = await grantAnyhow(world, acme, {
    subject: identity.name,
    subjectKey,
    topics: [CREW],
  })
  return await makeBundle(world, withStatements(identity, grant), CREW, { under: grant })
}

/** A chain of names below acme, each bound by the one above. */
async function descend(scene: Scene, links: number): Promise<Identity> {
  let identity = scene.acme
  for (let link = 1; link <= links; link++) {
    identity = await bindAnyhow(scene.world, identity, `a.${identity.name}`, { depth: 16 })
  }
  return identity
}

type Times = Partial<Record<'notBefore' | 'notAfter', number>>

/** The name's binding, or the grant, holds until, or from, a time; both sides of the edge. */
function edge(does: string, code: 'expired' | 'not-yet-valid', of: 'binding' | 'grant'): Case {
  return inScene(does, async (scene) => {
    const { world, acme } = scene
    const time = world.clock.now() + 100_500
    const times: Times =
      code === 'expired' ? { notAfter: time } : { notBefore: time, notAfter: time + 1_000_000 }
    const bob = await bindAnyhow(world, acme, 'bob.acme.example', of === 'binding' ? times : {})
    const grant = await grantAnyhow(world, acme, {
      subject: bob.name,
      topics: [CREW],
      ...(of === 'grant' ? times : {}),
    })
    const arrive = async (at: number) => {
      await world.pass(at - 1_000 - world.clock.now())
      const made = await makeBundle(world, withStatements(bob, grant), CREW, { under: grant })
      return await carryAt(scene, made, at)
    }
    if (code === 'expired') {
      expect(await arrive(time + SKEW_MS)).toEqual(ACCEPTED)
      expect(await arrive(time + SKEW_MS + 1_001)).toEqual(refusedAs(code))
    } else {
      expect(await arrive(time - SKEW_MS - 1)).toEqual(refusedAs(code))
      expect(await arrive(time - SKEW_MS + 1_000)).toEqual(ACCEPTED)
    }
  })
}

/** A host of acme that trusts globex in part. */
function withGlobex(
  does: string,
  trust: { readonly names?: readonly string[]; readonly purposes?: readonly 'connect'[] },
): Case {
  // The same seed in the scene makes the same keys, but globex must exist before the host does.
  const globexWorld = new World(2)
  const globex = globexWorld.organisation('globex.example')
  const { names, purposes } = trust
  const anchor = {
    ...foreignAnchor(globex),
    ...(names === undefined ? {} : { names: names.map((each) => parsePattern(each)) }),
    ...(purposes === undefined ? {} : { purposes }),
  }
  return inScene(
    does,
    async (scene) => {
      const hank = await bindAnyhow(scene.world, globex, 'hank.globex.example')
      await expectRefused(scene, 'anchor-limits', await makeBundle(scene.world, hank, DESK))
    },
    { anchors: [anchor] },
  )
}

/** A host of acme to which a proof brings a cross-certificate by acme. */
function withCross(does: string, limits: Parameters<typeof crossAnyhow>[3]): Case {
  return inScene(does, async (scene) => {
    const { world, acme } = scene
    const globex = world.organisation('globex.example')
    const hank = await bindAnyhow(world, globex, 'hank.globex.example')
    const certificate = await crossAnyhow(world, acme, globex, limits)
    const made = proofOf([...provingStatements(hank, []), certificate])
    const bundle = await makeBundle(world, hank, DESK, { made })
    await expectRefused(scene, 'cross-limits', bundle)
  })
}

/** What the sender's name and its chain decide. */
export const nameRows = {
  'no-anchor': [
    inScene('leaves a name alone of an organisation that is not trusted', async (scene) => {
      const initech = scene.world.organisation('initech.example')
      const peter = await bindAnyhow(scene.world, initech, 'peter.initech.example')
      await expectRefused(scene, 'no-anchor', await makeBundle(scene.world, peter, DESK))
    }),
  ],
  'anchor-limits': [
    withGlobex('leaves a name alone for which its anchor may not speak', {
      names: ['counsel.globex.example'],
    }),
    withGlobex('leaves a name alone whose anchor is not for senders', { purposes: ['connect'] }),
  ],
  'cross-limits': [
    withCross('leaves a name alone for which a cross-certificate does not speak', {
      names: ['counsel.globex.example'],
    }),
    withCross('leaves a name alone whose cross-certificate is not for senders', {
      purposes: ['connect'],
    }),
  ],
  expired: [
    edge('holds a binding for 60 s past its end, not a millisecond longer', 'expired', 'binding'),
    edge('holds a grant for 60 s past its end, not a millisecond longer', 'expired', 'grant'),
  ],
  'not-yet-valid': [
    edge('holds a binding from 60 s before its start', 'not-yet-valid', 'binding'),
    edge('holds a grant from 60 s before its start', 'not-yet-valid', 'grant'),
  ],
  'no-chain': [
    inScene('leaves a name alone to which no binding leads', async (scene) => {
      const ghost = { ...scene.ann, statements: [] }
      const made = await makeBundle(scene.world, ghost, DESK)
      await expectRefused(scene, 'no-chain', made)
    }),
    inScene('leaves a name alone that is bound to another key', async (scene) => {
      const genuine = await annsBundle(scene, DESK)
      const thief = { ...scene.ann, signer: scene.world.key() }
      const made = await makeBundle(scene.world, thief, DESK, { made: genuine.proof })
      await expectRefused(scene, 'no-chain', made, { genuine })
    }),
    inScene(
      'leaves a name alone that is bound by a stranger’s key of the anchor’s name',
      async (scene) => {
        const impostor = { ...scene.acme, signer: scene.world.key() }
        const bob = await bindAnyhow(scene.world, impostor, 'bob.acme.example')
        await expectRefused(scene, 'no-chain', await makeBundle(scene.world, bob, DESK))
      },
    ),
  ],
  'broken-chain': [
    inScene('leaves a grant alone whose parent is somebody else’s', async (scene) => {
      const { world, acme } = scene
      const bob = await bindAnyhow(world, acme, 'bob.acme.example')
      const root = await grantAnyhow(world, acme, {
        subject: 'zoe.acme.example',
        topics: [CREW],
        mayDelegate: [parsePattern('**.acme.example')],
      })
      const child = await grantAnyhow(world, bob, {
        subject: bob.name,
        topics: [CREW],
        onBehalfOf: acme.name,
        parent: root.id,
      })
      const made = await makeBundle(world, withStatements(bob, root, child), CREW, { under: child })
      await expectRefused(scene, 'broken-chain', made)
    }),
  ],
  uses: [
    inScene('leaves a key alone that may only bind', async (scene) => {
      const bob = await bindAnyhow(scene.world, scene.acme, 'bob.acme.example', { uses: 'bind' })
      await expectRefused(scene, 'uses', await bundleOf(scene, bob))
    }),
    inScene('leaves a name alone that was bound by a key that may only sign', async (scene) => {
      const { world } = scene
      const bob = await bindAnyhow(world, scene.acme, 'bob.acme.example', { uses: 'sign' })
      const child = await bindAnyhow(world, bob, 'w1.bob.acme.example')
      await expectRefused(scene, 'uses', await bundleOf(scene, child))
    }),
  ],
  'depth-exceeded': [
    inScene('leaves a name alone deeper than a link above allows', async (scene) => {
      const { world } = scene
      const bob = await bindAnyhow(world, scene.acme, 'bob.acme.example', { depth: 0 })
      const child = await bindAnyhow(world, bob, 'w1.bob.acme.example')
      await expectRefused(scene, 'depth-exceeded', await bundleOf(scene, child))
    }),
  ],
  'cost-cap': [
    inScene('accepts a chain of 16 links, and leaves one of 17 alone', async (scene) => {
      const deep = await descend(scene, 16)
      const made = await bundleOf(scene, deep)
      expect(await carry(scene, made)).toEqual(ACCEPTED)
      scene.crewInbox.drain()
      const deeper = await bindAnyhow(scene.world, deep, `a.${deep.name}`)
      await expectRefused(scene, 'cost-cap', await bundleOf(scene, deeper))
    }),
  ],
  'missing-statement': [
    inScene('leaves a bundle alone whose grant is not in its proof', async (scene) => {
      const genuine = await annsBundle(scene, CREW)
      const made = proofOf(provingStatements(scene.ann, []))
      const bare = await annsBundle(scene, CREW, { made })
      await expectRefused(scene, 'missing-statement', bare, { genuine })
    }),
  ],
  'wrong-kind': [
    inScene('blames for a proof that lists a binding as a grant', async (scene) => {
      const genuine = await annsBundle(scene, CREW)
      const statements = provingStatements(scene.ann, [])
      const bytes = encodeProof({
        bindings: [],
        grants: statements.filter(isBinding).map(({ id }) => id),
      })
      const proof = { statements, bytes, id: proofIdOf(bytes, nodeSha256) }
      const made = await annsBundle(scene, CREW, { made: proof })
      await expectRefused(scene, 'wrong-kind', made, { genuine })
    }),
  ],
} satisfies Rows
