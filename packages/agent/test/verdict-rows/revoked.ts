// oxlint-disable vitest/no-standalone-expect -- verdicts.test.ts makes each case a test
import { issueRevocation, type Identity } from '@ixj/agent'
import { PARTITION_MS_MAX, SKEW_MS, STATUS_FRESH_MS_MAX, type RevocationTarget } from '@ixj/trust'
import { expect } from 'vitest'
import { makeBundle } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow } from '../../../../test/world/made-statement.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { statusNotice } from '../../../../test/world/made-status.ts'
import { World } from '../../../../test/world/world.ts'
import {
  ACCEPTED,
  annsBundle,
  carry,
  DESK,
  expectRefused,
  grantOn,
  refusedAs,
  type Scene,
} from '../scene.ts'
import { inScene, type Rows } from './row.ts'

async function revoke(scene: Scene, target: RevocationTarget, by: Identity = scene.acme) {
  const { world, node } = scene
  const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
  await node.host.takeNotice((await issueRevocation(by, target, context)).bytes)
}

const keyOf = ({ name, signer }: Identity) =>
  ({ kind: 'key', name, key: signer.publicKey }) as const

/** What the node hears of acme's revocations, issued now. */
async function hearStatus(scene: Scene) {
  const notice = await statusNotice(scene.world, scene.acme)
  await scene.node.host.takeNotice(notice.bytes)
  return scene.world.clock.now()
}

/** What receivers have heard of revocations. */
export const revokedRows = {
  revoked: [
    inScene('leaves a sender alone whose key was revoked, and accepts it before', async (scene) => {
      expect(await carry(scene, await annsBundle(scene, DESK))).toEqual(ACCEPTED)
      scene.deskInbox.drain()
      await revoke(scene, keyOf(scene.ann))
      const made = await annsBundle(scene, DESK, { first: 2 })
      expect(await carry(scene, made)).toEqual(refusedAs('revoked'))
      expect(scene.deskInbox.size).toBe(0)
    }),
    inScene('leaves a sender alone whose grant was revoked', async (scene) => {
      await revoke(scene, { kind: 'statement', id: grantOn(scene.ann, DESK).id })
      expect(await carry(scene, await annsBundle(scene, DESK))).toEqual(refusedAs('revoked'))
    }),
    inScene('leaves a sender alone whose parent’s key was revoked', async (scene) => {
      const { world, acme } = scene
      const boss = await bindAnyhow(world, acme, 'boss.acme.example')
      const bob = await bindAnyhow(world, boss, 'bob.boss.acme.example')
      const genuine = await annsBundle(scene, DESK)
      await revoke(scene, keyOf(boss))
      await expectRefused(scene, 'revoked', await makeBundle(world, bob, DESK), { genuine })
    }),
  ],
  stale: [
    inScene('lets a bundle through to the last ms of 10 min, and none after', async (scene) => {
      const issuedAt = await hearStatus(scene)
      const at = async (time: number) => {
        await scene.world.pass(time - 1 - scene.world.clock.now())
        return await carry(scene, await annsBundle(scene, DESK), { waitMs: 1 })
      }
      expect(await at(issuedAt + PARTITION_MS_MAX)).toEqual(ACCEPTED)
      expect(await at(issuedAt + PARTITION_MS_MAX + 2)).toEqual(refusedAs('stale'))
      await hearStatus(scene)
      expect(await carry(scene, await annsBundle(scene, DESK))).toEqual(ACCEPTED)
    }),
    inScene('lets nothing of a strict name through after 60 s and the skew', async (scene) => {
      const { world, acme } = scene
      const bob = await bindAnyhow(world, acme, 'bob.acme.example', { strict: true })
      const issuedAt = await hearStatus(scene)
      await world.pass(issuedAt + STATUS_FRESH_MS_MAX + SKEW_MS + 1 - world.clock.now())
      const genuine = await annsBundle(scene, DESK)
      await expectRefused(scene, 'stale', await makeBundle(world, bob, DESK), { genuine })
    }),
  ],
  'no-status': [
    {
      does: 'leaves everything alone where a status is demanded and none was heard',
      run: async () => {
        const world = new World(1)
        const acme = world.organisation('acme.example')
        const { host } = await world.node(acme, 'n1.acme.example', { freshness: 'required' })
        const [ann, desk] = [
          await host.openAgent(
            await world.bind(acme, 'ann.acme.example', {
              grants: [{ actions: ['publish'], topics: [DESK] }],
            }),
          ),
          await host.openAgent(await world.bind(acme, DESK)),
        ]
        const inbox = desk.messages()
        await world.until(ann.send(DESK, 'early', { lifespanMs: 500 }).catch(() => undefined))
        await world.pass(50)
        expect([inbox.size, host.counts.get('no-status')]).toEqual([0, 1])
        await host.takeNotice((await statusNotice(world, acme)).bytes)
        await world.until(ann.send(DESK, 'with a status'))
        // The first place of the stream is waited for.
        await world.pass(3_000)
        expect(inbox.drain().map(({ body }) => body)).toEqual(['with a status'])
        await world.close()
      },
    },
  ],
} satisfies Rows
