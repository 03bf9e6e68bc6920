import { issueRevocation, type Approval, type Identity } from '@ixj/agent'
import { nodeSha256 } from '../../../../test/world/native-keys.ts'
import {
  approvalsOf,
  approveBy,
  makeApproved,
  toApprove,
  type ToApprove,
} from '../../../../test/world/made-approval.ts'
import { partOf } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { carry, CREW, DESK, expectRefused, refusedAs, ACCEPTED, type Scene } from '../scene.ts'
import { expect } from 'vitest'
import { type Case, inScene, type Rows } from './row.ts'

/** bob may publish to the crew with the approvals of two of carol, dave and erin. */
interface Stage extends Scene {
  readonly bob: Identity
  readonly carol: Identity
  readonly dave: Identity
  readonly erin: Identity
  /** In no condition. */
  readonly frank: Identity
  readonly asked: ToApprove
  /** The bundle with these approvals. */
  bundle(
    approvals: readonly Approval[],
    changes?: Parameters<typeof makeApproved>[2]['changes'],
  ): ReturnType<typeof makeApproved>
}

async function stageOf(scene: Scene): Promise<Stage> {
  const { world, acme } = scene
  const person = (label: string) => bindAnyhow(world, acme, `${label}.acme.example`)
  const [bob, carol, dave, erin, frank] = [
    await person('bob'),
    await person('carol'),
    await person('dave'),
    await person('erin'),
    await person('frank'),
  ]
  const under = await grantAnyhow(world, acme, {
    subject: bob.name,
    topics: [CREW],
    conditions: [approvalsOf(2, carol.name, dave.name, erin.name, bob.name)],
  })
  const asked = toApprove(world, withStatements(bob, under), CREW, under)
  const approvers = [carol, dave, erin, frank]
  return {
    ...scene,
    bob,
    carol,
    dave,
    erin,
    frank,
    asked,
    bundle: (approvals, changes = {}) =>
      makeApproved(world, asked, { approvers, approvals, changes }),
  }
}

/** A bundle that is refused, and the same message with two good approvals that passes. */
function refused(
  code: Parameters<typeof expectRefused>[1],
  does: string,
  make: (stage: Stage) => ReturnType<Stage['bundle']>,
): Case {
  return inScene(does, async (scene) => {
    const stage = await stageOf(scene)
    const { world, carol, dave, asked } = stage
    const good = [await approveBy(world, carol, asked), await approveBy(world, dave, asked)]
    await expectRefused(stage, code, await make(stage), { genuine: await stage.bundle(good) })
  })
}

/** carol's approval with a change, beside dave's good one. */
function changed(
  code: Parameters<typeof expectRefused>[1],
  does: string,
  change: (stage: Stage) => Parameters<typeof approveBy>[3],
): Case {
  return refused(code, does, async (stage) => {
    const { world, carol, dave, asked } = stage
    const approvals = [
      await approveBy(world, carol, asked, change(stage)),
      await approveBy(world, dave, asked),
    ]
    return await stage.bundle(approvals)
  })
}

const MINUTE = 60_000

/** What approvals decide. */
export const approvalRows = {
  unapproved: [
    refused('unapproved', 'leaves a message without approvals alone', (stage) => stage.bundle([])),
    refused('unapproved', 'leaves one with too few alone', async (stage) =>
      stage.bundle([await approveBy(stage.world, stage.carol, stage.asked)]),
    ),
    refused('unapproved', 'counts no name that the grant does not list', async (stage) => {
      const { world, carol, frank, asked } = stage
      const approvals = [await approveBy(world, carol, asked), await approveBy(world, frank, asked)]
      return await stage.bundle(approvals)
    }),
  ],
  'wrong-approval': [
    changed('wrong-approval', 'blames for an approval of another body', () => ({
      digest: new Uint8Array(32),
    })),
    changed('wrong-approval', 'blames for one of another message', ({ world }) => ({
      messageId: world.bytes(16),
    })),
    changed('wrong-approval', 'blames for one on another topic', () => ({ topic: DESK })),
    changed('wrong-approval', 'blames for one for another sender', ({ frank }) => ({
      sender: frank.name,
    })),
    changed('wrong-approval', 'blames for one under another grant', ({ world }) => ({
      authority: world.bytes(32),
    })),
    changed('wrong-approval', 'blames for one for other receivers', () => ({
      to: ['desk.acme.example'],
    })),
    refused('wrong-approval', 'blames for the sender’s own', async (stage) => {
      const { world, carol, bob, asked } = stage
      const approvals = [await approveBy(world, carol, asked), await approveBy(world, bob, asked)]
      return await stage.bundle(approvals)
    }),
    refused(
      'wrong-approval',
      'blames for one by the sender’s key under another name',
      async (stage) => {
        const { world, carol, dave, bob, asked } = stage
        const posing = { ...dave, signer: bob.signer }
        const approvals = [
          await approveBy(world, carol, asked),
          await approveBy(world, posing, asked),
        ]
        return await stage.bundle(approvals)
      },
    ),
    refused('wrong-approval', 'blames for two by one name with two keys', async (stage) => {
      const { world, carol, asked } = stage
      const again = { ...carol, signer: world.key() }
      const approvals = [
        await approveBy(world, carol, asked),
        await approveBy(world, again, asked),
        await approveBy(world, stage.dave, asked),
      ]
      return await stage.bundle(approvals)
    }),
    refused('wrong-approval', 'blames for one that another key signed', async (stage) => {
      const { world, carol, dave, asked } = stage
      const forger = world.key()
      const liar = {
        publicKey: dave.signer.publicKey,
        sign: (data: Uint8Array) => forger.sign(data),
      }
      const forged = await approveBy(world, { ...dave, signer: liar }, asked)
      return await stage.bundle([await approveBy(world, carol, asked), forged])
    }),
    refused('wrong-approval', 'blames for one of a name in a pool', async (stage) => {
      const { world, carol, dave, asked } = stage
      const pooled = {
        signer: world.key(),
        statements: [],
        name: 'a.pool.n1.acme.example' as typeof dave.name,
      }
      const approvals = [
        await approveBy(world, carol, asked),
        await approveBy(world, dave, asked),
        await approveBy(world, pooled, asked),
      ]
      return await stage.bundle(approvals)
    }),
  ],
  'approval-used': [
    inScene('lets approvals pass one bundle, and no second in another place', async (scene) => {
      const stage = await stageOf(scene)
      const { world, carol, dave, asked } = stage
      const good = [await approveBy(world, carol, asked), await approveBy(world, dave, asked)]
      expect(await carry(stage, await stage.bundle(good))).toEqual(ACCEPTED)
      const epoch = world.clock.now()
      const again = await stage.bundle(good, { epoch, first: 2 })
      expect(await carry(stage, again)).toEqual(refusedAs('approval-used'))
      const { erin } = stage
      const one = [await approveBy(world, erin, asked), good[0]!]
      const half = await stage.bundle(one, { epoch, first: 3 })
      expect(await carry(stage, half)).toEqual(refusedAs('approval-used'))
    }),
  ],
} satisfies Rows

/** What approvals come to by other rules. */
export const approvalCases = {
  expired: [
    changed('expired', 'leaves an approval that has ended alone', ({ world }) => ({
      time: world.clock.now() - 3 * MINUTE,
      notAfter: world.clock.now() - MINUTE - 100,
    })),
  ],
  'not-yet-valid': [
    changed('not-yet-valid', 'leaves an approval of a later time alone', ({ world }) => ({
      time: world.clock.now() + MINUTE + 1_000,
    })),
  ],
  'no-chain': [
    refused(
      'no-chain',
      'leaves an approval by a key that is not its name’s alone',
      async (stage) => {
        const { world, carol, dave, asked } = stage
        const other = { ...dave, signer: world.key() }
        const approvals = [
          await approveBy(world, carol, asked),
          await approveBy(world, other, asked),
        ]
        return await stage.bundle(approvals)
      },
    ),
  ],
  revoked: [
    inScene('leaves an approval by a key that was revoked since alone', async (scene) => {
      const stage = await stageOf(scene)
      const { world, acme, node, carol, dave, erin, asked } = stage
      const by = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
      const target = { kind: 'key', name: dave.name, key: dave.signer.publicKey } as const
      const before = await approveBy(world, dave, asked)
      const notice = await issueRevocation(acme, target, by)
      expect(await node.host.takeNotice(notice.bytes)).toBe(true)
      const one = await approveBy(world, carol, asked)
      const refusal = await carry(stage, await stage.bundle([one, before]))
      expect(refusal).toEqual(refusedAs('revoked'))
      const good = await stage.bundle([one, await approveBy(world, erin, asked)])
      expect(await carry(stage, good)).toEqual(ACCEPTED)
    }),
  ],
  form: [
    refused('form', 'blames for approvals of two messages at once', async (stage) => {
      const { world, carol, dave, asked } = stage
      const good = [await approveBy(world, carol, asked), await approveBy(world, dave, asked)]
      const parts = [asked.part, partOf(world, 'and another')]
      return await stage.bundle(good, { parts, count: 2 })
    }),
    refused('form', 'blames for approvals without a grant', async (stage) => {
      const { world, carol, dave, asked } = stage
      const good = [await approveBy(world, carol, asked), await approveBy(world, dave, asked)]
      return await stage.bundle(good, { authority: null })
    }),
  ],
} satisfies Rows
