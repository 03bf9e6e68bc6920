// oxlint-disable vitest/no-standalone-expect -- verdicts.test.ts makes each case a test
import { parsePattern } from '@ixj/names'
import { utf8Bytes } from '@ixj/trust'
import { expect } from 'vitest'
import { type BundleChanges, makeBundle, partOf } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow } from '../../../../test/world/made-statement.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { LogBench } from '../../../../test/world/log-bench.ts'
import { numbered } from '../../../../test/world/numbered-log.ts'
import { LOG_RETRY_MS } from '../../../node/src/audit/limits.ts'
import { decodeBundle } from '../../src/bundles/bundle.ts'
import { correlationOf, decodeMessages, encodeMessages } from '../../src/bundles/message.ts'
import {
  ACCEPTED,
  annsBundle,
  carry,
  CREW,
  DESK,
  expectRefused,
  grantOn,
  NODE,
  openScene,
  refusedAs,
  type Scene,
} from '../scene.ts'
import { under } from './authority.ts'
import { inScene, type Rows } from './row.ts'

/** The desk asks the neighbour's own name; the request as the neighbour got it. */
async function ask(scene: Scene, lifespanMs = 5_000) {
  await scene.raw.openInbox(NODE)
  const asking = scene.desk.request(scene.raw.identity.name, 'question', { lifespanMs })
  const outcome = asking.then(
    (message) => message.body,
    (cause: unknown) => (cause as { readonly code: string }).code,
  )
  await scene.world.pass(50)
  const { bytes } = scene.raw.heard.findLast(({ topic }) => topic === scene.raw.identity.name)!
  const bundle = decodeBundle(bytes, nodeSha256)
  const [part] = decodeMessages(bundle.messagesBytes, 1)
  return { outcome, correlation: correlationOf(bundle.id, part!.id) }
}

/** An answer to the desk. */
function answer(
  scene: Scene,
  by: Scene['ann'],
  correlation: Uint8Array,
  changes: BundleChanges = {},
) {
  const parts = [partOf(scene.world, 'answer', { correlation })]
  return makeBundle(scene.world, by, DESK, { action: 'answer', parts, ...changes })
}

/** What the receiver's own requests and policy decide. */
export const receiverRows = {
  'not-asked': [
    inScene('leaves an answer alone that was never asked for', async (scene) => {
      const made = await answer(scene, scene.ann, scene.world.bytes(48))
      await expectRefused(scene, 'not-asked', made)
    }),
    inScene('leaves an answer alone that somebody else was asked for', async (scene) => {
      const { outcome, correlation } = await ask(scene)
      const genuine = await answer(scene, scene.raw.identity, correlation)
      await expectRefused(scene, 'not-asked', await answer(scene, scene.ann, correlation), {
        genuine,
      })
      expect(await outcome).toBe('answer')
    }),
    inScene('leaves an answer alone that comes after the request’s end', async (scene) => {
      const { outcome, correlation } = await ask(scene, 1_000)
      await scene.world.pass(1_000)
      expect(await outcome).toBe('no-answer')
      await expectRefused(scene, 'not-asked', await answer(scene, scene.raw.identity, correlation))
    }),
    inScene('leaves a second answer alone', async (scene) => {
      const { outcome, correlation } = await ask(scene)
      const epoch = scene.world.clock.now()
      const made = (first: number) =>
        answer(scene, scene.raw.identity, correlation, { epoch, first })
      expect(await carry(scene, await made(1))).toEqual(ACCEPTED)
      expect(await outcome).toBe('answer')
      await expectRefused(scene, 'not-asked', await made(2))
    }),
    inScene(
      'leaves an answer alone under a grant: the request alone authorises it',
      async (scene) => {
        const { world, ann } = scene
        const parts = [partOf(world, 'no answer at all')]
        const made = await makeBundle(world, ann, CREW, {
          action: 'answer',
          parts,
          under: grantOn(ann, CREW),
        })
        await expectRefused(scene, 'not-asked', made)
      },
    ),
  ],
  policy: [
    inScene('leaves a name of one’s own organisation alone that has no grant', async (scene) => {
      const bob = await bindAnyhow(scene.world, scene.acme, 'bob.acme.example')
      await expectRefused(scene, 'policy', await makeBundle(scene.world, bob, DESK))
    }),
    inScene(
      'leaves a sender alone whom a rule forbids, whatever its grant',
      async (scene) => {
        const make = await under(scene, [])
        await expectRefused(scene, 'policy', await make())
      },
      {
        rules: [
          {
            id: 'not bob',
            effect: 'forbid',
            sender: parsePattern('bob.acme.example'),
            actions: ['publish'],
            topic: parsePattern('**.acme.example'),
          },
        ],
      },
    ),
  ],
  'own-fault': [
    inScene(
      'blames nobody when the policy throws',
      async (scene) => {
        expect(await carry(scene, await annsBundle(scene, DESK))).toEqual(refusedAs('own-fault'))
        expect(scene.deskInbox.size).toBe(0)
      },
      {
        policy: {
          decide: () => {
            throw new Error('the policy file is gone')
          },
        },
      },
    ),
  ],
  'log-unwritable': [
    {
      does: 'delivers nothing but state while nothing can be recorded, and all again afterwards',
      run: async () => {
        const bench = new LogBench()
        await using log = await bench.open()
        await using scene = await openScene({ audit: log })
        bench.disk.trouble = () => 'disk-full'
        log.append(numbered(1))
        await bench.settle()
        const epoch = scene.world.clock.now()
        const made = await annsBundle(scene, DESK, { epoch, lifespanMs: 60_000 })
        expect(await carry(scene, made)).toEqual(refusedAs('log-unwritable'))
        expect(scene.deskInbox.size).toBe(0)
        const state = await annsBundle(scene, DESK, { class: 'state', lifespanMs: 2_000 })
        expect(await carry(scene, state)).toEqual(ACCEPTED)
        expect(scene.deskInbox.size).toBe(1)
        bench.disk.trouble = () => undefined
        await bench.clock.advance(LOG_RETRY_MS)
        await bench.settle()
        // Gossip forgets the copy; the places that it would have taken are free.
        await scene.world.pass(20_000)
        expect(await carry(scene, made)).toEqual(ACCEPTED)
        expect(scene.deskInbox.size).toBe(2)
      },
    },
  ],
  'secret-missing': [
    inScene('passes on what is sealed to a secret of a group that is not here', async (scene) => {
      const genuine = await annsBundle(scene, DESK)
      const encryption = { secret: new Uint8Array(32) }
      const made = await annsBundle(scene, CREW, { encryption })
      await expectRefused(scene, 'secret-missing', made, { genuine })
    }),
  ],
  sealed: [
    inScene('takes no secret of a group for one of an inbox', async (scene) => {
      const genuine = await annsBundle(scene, DESK)
      const encryption = { secret: new Uint8Array(32) }
      const made = await annsBundle(scene, DESK, { encryption })
      await expectRefused(scene, 'sealed', made, { genuine })
    }),
    inScene('blames nobody for what is sealed to a key that is not here', async (scene) => {
      const genuine = await annsBundle(scene, DESK, { first: 2 })
      const encryption = { recipient: new Uint8Array(32) }
      const made = await annsBundle(scene, DESK, { encryption })
      await expectRefused(scene, 'sealed', made, { genuine })
    }),
  ],
  body: [
    inScene(
      'blames nobody for messages that their sender signed and nobody can read',
      async (scene) => {
        const genuine = await annsBundle(scene, DESK, { first: 2 })
        const made = await annsBundle(scene, DESK, { messagesBytes: utf8Bytes('not messages') })
        await expectRefused(scene, 'body', made, { genuine })
      },
    ),
    inScene('blames nobody for fewer messages than the header counts', async (scene) => {
      const messagesBytes = encodeMessages([partOf(scene.world, 'one')])
      const made = await annsBundle(scene, DESK, { messagesBytes, count: 2 })
      await expectRefused(scene, 'body', made)
    }),
  ],
} satisfies Rows
