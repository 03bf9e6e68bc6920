import { memoryStore, type Approval, type Identity } from '@ixj/agent'
import { encode } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import {
  approvalsOf,
  approveBy,
  makeApproved,
  toApprove,
  type ToApprove,
} from '../world/made-approval.ts'
import { resignBundle, type BundleChanges } from '../world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { World } from '../world/world.ts'
import { CREW, openStation, type Station } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const MINUTE = 60_000
/** Messages that are asked for under one grant. */
const ASKED_MAX = 2_000

/** bob may publish to the crew with the approvals of two of carol, dave, erin and himself. */
class Control {
  readonly world = new World(SEED)
  readonly acme = this.world.organisation('acme.example')
  readonly store = memoryStore()
  readonly people = new Map<string, Identity>()
  /** What passed, to be tried again. */
  readonly passed: { readonly asked: ToApprove; readonly approvals: readonly Approval[] }[] = []
  station!: Station
  bob!: Identity
  #grant!: ToApprove['under']
  #bare!: Identity
  #first = 0
  #asked = 0

  async open(): Promise<this> {
    const { world, acme, store } = this
    for (const label of ['carol', 'dave', 'erin', 'frank']) {
      this.people.set(label, await bindAnyhow(world, acme, `${label}.acme.example`))
    }
    // The binding that ended minutes ago: whose holder still has the key.
    const ended = { notAfter: world.clock.now() - 2 * MINUTE }
    this.people.set('erin', await bindAnyhow(world, acme, 'erin.acme.example', ended))
    this.#bare = await bindAnyhow(world, acme, 'bob.acme.example')
    this.bob = this.#bare
    this.station = await openStation(world, acme, { store })
    return this
  }

  /** A message of bob's to approve; under a new grant now and then, as one has a limit of its own. */
  async ask(): Promise<ToApprove> {
    if (this.#asked % ASKED_MAX === 0) await this.#renew()
    this.#asked += 1
    return toApprove(this.world, this.bob, CREW, this.#grant)
  }

  async #renew(): Promise<void> {
    const names = ['carol', 'dave', 'erin', 'bob'].map((label) => `${label}.acme.example`)
    this.#grant = await grantAnyhow(this.world, this.acme, {
      subject: this.bob.name,
      topics: [CREW],
      conditions: [approvalsOf(2, ...names)],
    })
    this.bob = withStatements(this.#bare, this.#grant)
  }

  by(label: string, asked: ToApprove, changes: Parameters<typeof approveBy>[3] = {}) {
    return approveBy(this.world, this.people.get(label) ?? this.bob, asked, changes)
  }

  /** A bundle with these approvals, and whether the node took it. */
  async takes(
    asked: ToApprove,
    approvals: readonly Approval[],
    changes: BundleChanges = {},
  ): Promise<boolean> {
    const made = await this.make(asked, approvals, changes)
    return await this.takesBytes(made.bytes)
  }

  async make(asked: ToApprove, approvals: readonly Approval[], changes: BundleChanges = {}) {
    this.#first += 1
    const { core } = this.station
    const made = await makeApproved(this.world, asked, {
      approvers: [...this.people.values()],
      approvals,
      changes: { epoch: this.world.clock.now(), first: this.#first, ...changes },
    })
    core.proofs.compose(await core.keepStatements(made.proof.statements))
    return made
  }

  async takesBytes(bytes: Uint8Array): Promise<boolean> {
    return (await this.station.core.reception.message(CREW, bytes, 'peer')) === 'accept'
  }

  /** Two good approvals. */
  async good(asked: ToApprove): Promise<readonly Approval[]> {
    return [await this.by('carol', asked), await this.by('dave', asked)]
  }
}

/** Ways to have something done that was not approved; each says whether it was. */
const attacks: readonly ((control: Control, asked: ToApprove) => Promise<boolean>)[] = [
  // Once approved, done twice.
  async (control, asked) => {
    const approvals = await control.good(asked)
    if (!(await control.takes(asked, approvals))) throw new Error('Genuine approvals are refused')
    control.passed.push({ asked, approvals })
    return await control.takes(asked, approvals)
  },
  // The same approval twice, and two by one key under two names.
  async (control, asked) => {
    const one = await control.by('carol', asked)
    const made = await control.make(asked, [one])
    const { signer } = control.bob
    const bytes = await resignBundle(made, signer, (fields) => {
      fields[15] = [one.envelope, one.envelope]
    })
    return await control.takesBytes(bytes)
  },
  async (control, asked) => {
    const posing = { ...control.people.get('dave')!, signer: control.people.get('carol')!.signer }
    const { world } = control
    const [one, other] = [await control.by('carol', asked), await approveBy(world, posing, asked)]
    const made = await control.make(asked, [one])
    const bytes = await resignBundle(made, control.bob.signer, (fields) => {
      fields[15] = [one.envelope, other.envelope]
    })
    return await control.takesBytes(bytes)
  },
  // For another body, under the same message id and under another.
  async (control, asked) => {
    const approvals = await control.good(asked)
    const other = { ...(await control.ask()).part, id: asked.part.id, body: encode('burst') }
    return await control.takes({ ...asked, part: other }, approvals)
  },
  async (control, asked) => control.takes(await control.ask(), await control.good(asked)),
  // By the sender, by a name that the grant does not list, by one whose binding has ended.
  ...['bob', 'frank', 'erin'].map(
    (label) => async (control: Control, asked: ToApprove) =>
      control.takes(asked, [await control.by('carol', asked), await control.by(label, asked)]),
  ),
  // Ended, for other receivers, falsely signed.
  async (control, asked) => {
    const ended = { time: control.world.clock.now() - 3 * MINUTE }
    const end = { ...ended, notAfter: ended.time + MINUTE - 1 }
    return control.takes(asked, [
      await control.by('carol', asked),
      await control.by('dave', asked, end),
    ])
  },
  async (control, asked) =>
    control.takes(asked, await control.good(asked), { to: ['w1.acme.example'] }),
  async (control, asked) => {
    const dave = control.people.get('dave')!
    const forger = control.world.key()
    const signer = {
      publicKey: dave.signer.publicKey,
      sign: (data: Uint8Array) => forger.sign(data),
    }
    const forged = await approveBy(control.world, { ...dave, signer }, asked)
    return await control.takes(asked, [await control.by('carol', asked), forged])
  },
]

describe('A21: approvals', () => {
  it(
    'let nothing pass that was not approved: reused, doubled, of another body, by another',
    async () => {
      const control = await new Control().open()
      const count = scaled(10_000)
      let accepted = 0
      for (let round = 0; round < count; round++) {
        if (await attacks[round % attacks.length]!(control, await control.ask())) accepted += 1
      }
      // A restart forgets streams and keeps approvals.
      await control.station[Symbol.asyncDispose]()
      const { world, acme, store, passed } = control
      await using station = await openStation(world, acme, { store })
      control.station = station
      for (const { asked, approvals } of passed) {
        if (await control.takes(asked, approvals)) accepted += 1
      }
      const fresh = await control.ask()
      expect(await control.takes(fresh, await control.good(fresh)), 'genuine').toBe(true)
      expect(
        report({
          id: 'A21',
          what: 'approvals reused (after a restart too), by one key twice, of another body or audience, by the sender or another name, ended, false',
          count: accepted,
          of: count + passed.length,
          counted: 'accepted',
          goal: 'none',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
