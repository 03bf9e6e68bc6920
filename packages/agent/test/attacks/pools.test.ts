// oxlint-disable vitest/expect-expect -- expectRefused() asserts
import type { Identity } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { makeBundle, type BundleChanges } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import { name } from '../../../../test/world/world.ts'
import { issueRevocation } from '../../src/revoked/issue-revocation.ts'
import { ACCEPTED, carry, DESK, expectRefused, openScene, type Scene } from '../scene.ts'

const POOL = 'pool.n9.acme.example'
const SIGNS = { uses: 'sign', depth: 0 } as const

/** The pool of node n9, bound by acme, which may write to the desk. */
async function openPool(scene: Scene): Promise<Identity> {
  const pool = await bindAnyhow(scene.world, scene.acme, POOL, SIGNS)
  return withStatements(pool, await grantTo(scene, `**.${POOL}`))
}

function grantTo({ world, acme }: Scene, subject: string, topics: readonly string[] = [DESK]) {
  return grantAnyhow(world, acme, { subject, topics, onBehalfOf: acme.name })
}

/** A bundle of one agent of a pool to the desk. */
function bundleOf(scene: Scene, pool: Identity, label: string, changes: BundleChanges = {}) {
  const under = pool.statements.find(({ statement }) => statement.kind === 'grant')
  const sender = { ...pool, name: name(`${label}.${pool.name}`) }
  return makeBundle(scene.world, sender, DESK, { under: under as never, ...changes })
}

describe('the key of a pool', () => {
  it('sends under names that nobody bound, and under no other', async () => {
    await using scene = await openScene()
    const pool = await openPool(scene)
    expect(await carry(scene, await bundleOf(scene, pool, 'a1'))).toEqual(ACCEPTED)
    expect(await carry(scene, await bundleOf(scene, pool, 'a2'))).toEqual(ACCEPTED)
    scene.deskInbox.drain()
    const others = [POOL, 'n9.acme.example', 'a1.pool.n8.acme.example', 'ann.acme.example']
    const under = pool.statements.find(({ statement }) => statement.kind === 'grant') as never
    for (const other of others) {
      const made = await makeBundle(scene.world, { ...pool, name: name(other) }, DESK, { under })
      await expectRefused(scene, 'no-chain', made, {
        genuine: await bundleOf(scene, pool, `b${others.indexOf(other)}`),
      })
      scene.deskInbox.drain()
    }
  })

  it('binds nobody: a name below one of its own, or anywhere', async () => {
    await using scene = await openScene()
    const pool = await openPool(scene)
    const issuer = { ...pool, name: name('n9.acme.example') }
    const child = await bindAnyhow(scene.world, issuer, 'evil.n9.acme.example')
    const statements = [...pool.statements.slice(0, -1), ...child.statements]
    const made = await makeBundle(scene.world, { ...child, statements }, DESK)
    await expectRefused(scene, 'no-chain', made)
  })

  it('gives nobody a part of its grant', async () => {
    await using scene = await openScene()
    const { world, acme } = scene
    const bare = await bindAnyhow(world, acme, POOL, SIGNS)
    const root = await grantAnyhow(world, acme, {
      subject: `**.${POOL}`,
      topics: [DESK],
      onBehalfOf: acme.name,
      mayDelegate: ['**.acme.example' as never],
    })
    const agent = { ...bare, name: name(`a1.${POOL}`) }
    const bob = await bindAnyhow(world, acme, 'bob.acme.example')
    const part = await grantAnyhow(world, agent, {
      subject: 'bob.acme.example',
      topics: [DESK],
      onBehalfOf: acme.name,
      parent: root.id,
    })
    const all = [...bare.statements, root, part]
    const made = await makeBundle(world, withStatements(bob, ...all), DESK, { under: part })
    await expectRefused(scene, 'uses', made)
  })

  it('holds no grant that reaches beyond its pool, nor one of a single name', async () => {
    await using scene = await openScene()
    const bare = await bindAnyhow(scene.world, scene.acme, POOL, SIGNS)
    for (const subject of ['**.acme.example', '**.n9.acme.example', `a1.${POOL}`]) {
      const pool = withStatements(bare, await grantTo(scene, subject))
      await expectRefused(scene, 'wrong-subject', await bundleOf(scene, pool, 'a1'))
      scene.deskInbox.drain()
    }
  })

  it('is judged anew for each name where one of them is void', async () => {
    await using scene = await openScene()
    const pool = await openPool(scene)
    expect(await carry(scene, await bundleOf(scene, pool, 'a1'))).toEqual(ACCEPTED)
    scene.deskInbox.drain()
    const { world, node, acme } = scene
    const key = pool.signer.publicKey
    const target = { kind: 'key', name: name(`bad.${POOL}`), key } as const
    const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
    await node.host.takeNotice((await issueRevocation(acme, target, context)).bytes)
    await expectRefused(scene, 'revoked', await bundleOf(scene, pool, 'bad'), {
      genuine: await bundleOf(scene, pool, 'good'),
    })
  })
})
