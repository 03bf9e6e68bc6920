import { issueRevocation, type Agent, type Identity } from '@ixj/agent'
import { nodeSha256 } from '@ixj/node'
import { isGrant } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { makeAttestation } from '../world/made-attestation.ts'
import { makeBundle, type MadeBundle } from '../world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../world/made-statement.ts'
import { RawNode } from '../world/raw-node.ts'
import { name, World, type WorldNode } from '../world/world.ts'
import { CREW } from './bench.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const NODE = name('n1.acme.example')
const FOREVER = { notBefore: 0, notAfter: 2 ** 45 }

/** Whose key signs, and what has become of it when its bundle is offered. */
const FATES = ['good', 'expired', 'revoked', 'grant expired'] as const

/** Who vouches for it: nobody, a member who may not, a keeper. */
const KEEPERS = ['nobody', 'a member', 'a keeper'] as const

/** A node, an honest member on it, and a member of the crew that offers whatever it is given. */
async function openOffer(seed: number) {
  const world = new World(seed, { latencyMs: [1, 1] })
  const acme = world.organisation('acme.example')
  const node = await world.node(acme, NODE)
  const grants = [{ actions: ['publish', 'subscribe'], topics: [CREW] }] as const
  const reader = await node.host.openAgent(
    await world.bind(acme, 'reader.acme.example', { grants }),
  )
  const crew = await reader.join(CREW)
  const carrier = await world.bind(acme, 'raw.acme.example', { grants })
  const raw = await new RawNode(world, acme, carrier).meet(NODE)
  raw.transport.allow(NODE, NODE)
  await raw.join(NODE, CREW)
  const live = crew.messages()
  const asked = crew.messages({ history: 100 })
  const requests: unknown[] = []
  void readRequests(reader, requests)
  const keep = { actions: ['keep'], topics: [CREW] } as const
  const keepers = {
    'a member': await world.bind(acme, 'member.acme.example', { grants }),
    'a keeper': await world.bind(acme, 'keeper.acme.example', { grants: [keep] }),
  }
  return { world, acme, node, raw, live, asked, requests, keepers }
}

type Offer = Awaited<ReturnType<typeof openOffer>>

async function readRequests(reader: Agent, requests: unknown[]): Promise<void> {
  for await (const request of reader.requests()) requests.push(request.body)
}

/** A bundle back-dated by so much, whose key or grant has that fate now. */
async function backdated(
  { world, acme, node }: { world: World; acme: Identity; node: WorldNode },
  how: {
    readonly fate: (typeof FATES)[number]
    readonly agoMs: number
    readonly lifespanMs: number
  },
): Promise<MadeBundle> {
  const now = world.clock.now()
  const { fate, agoMs, lifespanMs } = how
  // Ended one ms past what the skew forgives; it held when the bundle claims to have been sent.
  const ended = { notBefore: 0, notAfter: now - 60_001 }
  const label = `w${Math.floor(world.random() * 2 ** 40)}.acme.example`
  const identity = await bindAnyhow(world, acme, label, fate === 'expired' ? ended : FOREVER)
  const under = await grantAnyhow(world, acme, {
    subject: identity.name,
    actions: ['publish', 'request'],
    topics: [CREW],
    ...(fate === 'grant expired' ? ended : FOREVER),
  })
  if (fate === 'revoked') {
    const target = { kind: 'key', name: identity.name, key: identity.signer.publicKey } as const
    const context = { clock: world.clock, random: world.bytes, hash: nodeSha256 }
    const notice = await issueRevocation(acme, target, context)
    await node.host.takeNotice(notice.bytes)
  }
  const sentAt = now - agoMs
  return await makeBundle(world, withStatements(identity, under), CREW, {
    under,
    sentAt,
    epoch: sentAt,
    lifespanMs,
    action: world.random() < 0.5 ? 'publish' : 'request',
  })
}

/** Has the raw member offer a bundle, and give it when it is asked; who vouches for it says when. */
async function offer(
  { world, raw, keepers }: Offer,
  made: MadeBundle,
  by: (typeof KEEPERS)[number],
): Promise<void> {
  const { id, header } = made.bundle
  await raw.prove(NODE, made.proof)
  let attest: Uint8Array | null = null
  if (by !== 'nobody') {
    const keeper = keepers[by]
    const [under = null] = keeper.statements.filter(isGrant)
    const receivedAt = header.sentAt + 1_000
    const word = await makeAttestation(world, keeper, { bundle: id, receivedAt, under })
    await raw.prove(NODE, word.proof)
    attest = word.bytes
  }
  await world.until(raw.sync(NODE, { kind: 'offer', topic: CREW, ids: [id] }))
  await world.pass(20)
  await world.until(raw.sync(NODE, { kind: 'bundle', bytes: made.bytes, attest }))
  await world.pass(20)
}

/** Offers of one neighbour: it has room for the statements of some hundred. */
const OFFERS_EACH = 200

/** One back-dated bundle: what came of it that must not, and how many messages were shown as history. */
async function tryOne(scene: Offer, fate: (typeof FATES)[number]) {
  const { world, live, asked, requests } = scene
  const by = KEEPERS[Math.floor(world.random() * KEEPERS.length)]!
  const agoMs = 90_000 + Math.floor(world.random() * 400_000)
  // As often within its lifespan as past it.
  const lifespanMs = world.random() < 0.5 ? 600_000 : 1 + Math.floor(world.random() * 60_000)
  await offer(scene, await backdated(scene, { fate, agoMs, lifespanMs }), by)
  const isAlive = fate === 'good' && lifespanMs === 600_000
  const [asLive, asHistory] = [live.drain(), asked.drain()]
  const marked = asHistory.filter(({ historical }) => historical).length
  const unmarked = asLive.length + asHistory.length - marked + requests.splice(0).length
  // Even as history it shows only where its proof holds, or a keeper vouches for it.
  const mayShow = fate === 'good' || (fate !== 'revoked' && by === 'a keeper')
  const isWrong = isAlive ? marked > 0 : unmarked > 0 || (marked > 0 && !mayShow)
  return { wrong: isWrong ? 1 : 0, shown: marked }
}

describe('A22: back-dated bundles as history', () => {
  it(
    'of keys and grants that have ended, or were revoked, are never delivered as live, never unmarked',
    async () => {
      const tries = scaled(2_000)
      let [wrong, shown, expired, revoked] = [0, 0, 0, 0]
      for (let first = 0; first < tries; first += OFFERS_EACH) {
        const scene = await openOffer(SEED + first)
        for (let round = first; round < Math.min(tries, first + OFFERS_EACH); round++) {
          const found = await tryOne(scene, FATES[round % FATES.length]!)
          wrong += found.wrong
          shown += found.shown
        }
        const { counts } = scene.node.host
        expired += counts.get('expired') ?? 0
        revoked += counts.get('revoked') ?? 0
        await scene.world.close()
      }
      // The attack was one: what is good, or vouched for by right, does show.
      expect(Math.min(shown, expired, revoked)).toBeGreaterThan(0)
      expect(
        report({
          id: 'A22',
          what: `back-dated bundles offered as history, their keys and grants good, ended or revoked (${shown} shown, marked)`,
          count: wrong,
          of: tries,
          counted: 'delivered as live, unmarked, or shown without a right',
          goal: 'none',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
