import { ruleTable, type Clock, type Identity } from '@ixj/agent'
import { parsePattern } from '@ixj/names'
import { AnchorSet, PURPOSES, type AnchorFields } from '@ixj/trust'
import { Host } from '../../packages/agent/src/host/host.ts'
import { openWorldCore } from '../world/open-core.ts'
import { allAbilities } from '../../packages/agent/src/host/open-host.ts'
import type { MadeBundle } from '../world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { makeBundle } from '../world/made-bundle.ts'
import { statusNotice } from '../world/made-status.ts'
import type { World } from '../world/world.ts'
import { CREW } from './bench.ts'

/** Whose verdict is asked, about a sender of acme's. */
export type Whose = 'own' | 'strict' | 'foreign'

/** A sender of acme's whose key was stolen, and what it sends at any time. */
export interface Stolen {
  readonly identity: Identity
  bundle(sentAt: number, options?: { readonly class?: 'state' | 'event' }): Promise<MadeBundle>
}

/** A member of the crew, bound strict or not. */
export async function stolenKey(world: World, acme: Identity, whose: Whose): Promise<Stolen> {
  const identity = await bindAnyhow(world, acme, 'w1.acme.example', {
    notBefore: 0,
    notAfter: 2 ** 45,
    strict: whose === 'strict',
  })
  const under = await grantAnyhow(world, acme, {
    subject: identity.name,
    topics: [CREW],
    notBefore: 0,
    notAfter: 2 ** 45,
  })
  const sender = withStatements(identity, under)
  return {
    identity,
    bundle: (sentAt, options = {}) =>
      makeBundle(world, sender, CREW, {
        under,
        epoch: sentAt,
        sentAt,
        ...(options.class === 'state' ? { class: 'state', lifespanMs: 1_000 } : {}),
      }),
  }
}

/**
 * Whether a node that heard of acme's status once, and of nothing since, accepts this bundle at this
 * time: of acme itself, or of another organisation that trusts it.
 */
export async function acceptsCutOff(
  world: World,
  acme: Identity,
  question: {
    readonly whose: Whose
    readonly made: MadeBundle
    readonly issuedAt: number
    readonly now: number
    readonly anchor?: Partial<AnchorFields>
  },
): Promise<boolean> {
  const { whose, made, issuedAt, now, anchor = {} } = question
  const organisation = whose === 'foreign' ? world.organisation('globex.example') : acme
  const trusted = { name: acme.name, keys: [acme.signer.publicKey], purposes: PURPOSES, ...anchor }
  const own = {
    name: organisation.name,
    keys: [organisation.signer.publicKey],
    purposes: PURPOSES,
  }
  const node = await bindAnyhow(world, organisation, `n1.${organisation.name}`, {
    notBefore: 0,
    notAfter: 2 ** 45,
  })
  const right = await grantAnyhow(world, acme, {
    subject: node.name,
    actions: ['subscribe'],
    topics: [CREW],
    notBefore: 0,
    notAfter: 2 ** 45,
  })
  // The node hears the status when it is issued, and is asked at the time in question.
  const time = { now: issuedAt }
  const clock: Clock = { now: () => time.now, at: () => () => {} }
  const core = await openWorldCore(world, {
    identity: withStatements(node, right),
    anchors: new AnchorSet(whose === 'foreign' ? [trusted, own] : [trusted]),
    policy: ruleTable([
      {
        id: 'the crew',
        effect: 'permit',
        sender: parsePattern('**.acme.example'),
        actions: ['publish'],
        topic: parsePattern(CREW),
      },
    ]),
    transport: world.network.open(`cut off ${world.bytes(8).join('.')}`),
    clock,
  })
  const host = await new Host(core, allAbilities).openSelf()
  await host.self.join(CREW)
  await host.takeNotice((await statusNotice(world, acme, { issuedAt })).bytes)
  core.proofs.compose(await core.keepStatements(made.proof.statements))
  time.now = now
  const verdict = await core.reception.message(CREW, made.bytes, 'peer')
  await host[Symbol.asyncDispose]()
  return verdict === 'accept'
}
