import type { Agent, Code, Decision, Group, Identity, Message, Queue } from '@ixj/agent'
import { expect } from 'vitest'
import { makeBundle, type BundleChanges, type MadeBundle } from '../../../test/world/made-bundle.ts'
import { RawNode } from '../../../test/world/raw-node.ts'
import { name, World, type WorldNode, type WorldNodeOptions } from '../../../test/world/world.ts'
import { grantsOf } from '../src/host/identity.ts'
import { VERDICTS } from '../src/pipeline/verdicts.ts'

export const CREW = name('crew.acme.example')
export const DESK = name('desk.acme.example')
export const NODE = name('n1.acme.example')

/** A crew member's grants. */
export function crewGrant(mayDelegate: readonly string[] = []) {
  return {
    actions: ['publish', 'request', 'subscribe', 'answer'],
    topics: [CREW],
    ...(mayDelegate.length === 0 ? {} : { mayDelegate }),
  } as const
}

/** What a bundle came to at the host. */
export interface Outcome {
  readonly code: Code | 'accepted'
  readonly verdict: string
  /** Rejected messages that the neighbour was blamed for by this one. */
  readonly blame: number
}

/**
 * One host of acme.example with an inbox (desk) and a group (crew), and one neighbour, an honest
 * member of the crew that carries whatever a test gives it: blame for it is blame for a forwarder.
 */
export interface Scene extends AsyncDisposable {
  readonly world: World
  readonly acme: Identity
  readonly node: WorldNode
  readonly raw: RawNode
  readonly desk: Agent
  readonly crew: Group
  readonly deskInbox: Queue<Message>
  readonly crewInbox: Queue<Message>
  readonly decisions: Queue<Decision>
  /** May publish to desk and crew, and ask them. */
  readonly ann: Identity
}

/** Opens a scene. */
export async function openScene(options: WorldNodeOptions = {}, seed = 1): Promise<Scene> {
  // One ms a hop, so that a test can say when a bundle arrives.
  const world = new World(seed, { latencyMs: [1, 1] })
  const acme = world.organisation('acme.example')
  const node = await world.node(acme, NODE, options)
  const desk = await node.host.openAgent(
    await world.bind(acme, DESK, { uses: 'both', depth: 1, grants: [crewGrant()] }),
  )
  const crew = await desk.join(CREW)
  const carrier = await world.bind(acme, 'raw.acme.example', { grants: [crewGrant()] })
  const raw = await new RawNode(world, acme, carrier).meet(NODE)
  raw.transport.allow(NODE, NODE)
  await raw.reach(NODE, DESK)
  await raw.join(NODE, CREW)
  const ann = await world.bind(acme, 'ann.acme.example', {
    grants: [{ actions: ['publish', 'request'], topics: [DESK] }, crewGrant()],
  })
  return {
    world,
    acme,
    node,
    raw,
    desk,
    crew,
    ann,
    deskInbox: desk.messages(),
    crewInbox: crew.messages(),
    decisions: node.host.decisions(),
    [Symbol.asyncDispose]: () => world.close(),
  }
}

/** The grant of an identity for this topic. */
export function grantOn(identity: Identity, topic: string) {
  const found = grantsOf(identity).find(({ statement }) =>
    statement.topics.some((each) => each === topic),
  )
  if (found === undefined) throw new Error(`${identity.name} has no grant on ${topic}`)
  return found
}

/** A bundle of ann's, under her grant. */
export function annsBundle(
  scene: Scene,
  topic: string,
  changes: BundleChanges = {},
): Promise<MadeBundle> {
  return makeBundle(scene.world, scene.ann, topic, { under: grantOn(scene.ann, topic), ...changes })
}

/** Has the neighbour carry a bundle to the host; what the host decided. */
export async function carry(
  scene: Scene,
  made: MadeBundle,
  options: { readonly on?: string; readonly waitMs?: number; readonly proved?: boolean } = {},
): Promise<Outcome> {
  if (options.proved !== false) await scene.raw.prove(NODE, made.proof)
  const on = options.on ?? made.bundle.header.topic
  return await carryBytes(scene, made.bytes, { on, waitMs: options.waitMs ?? 20 })
}

/** Has the neighbour carry a bundle so that it arrives at that time, to the millisecond. */
export async function carryAt(scene: Scene, made: MadeBundle, arrival: number): Promise<Outcome> {
  await scene.world.pass(arrival - 1 - scene.world.clock.now())
  return await carry(scene, made, { waitMs: 1 })
}

/** Has the neighbour carry bytes that need no proof. */
export async function carryBytes(
  scene: Scene,
  bytes: Uint8Array,
  options: { readonly on: string; readonly waitMs?: number },
): Promise<Outcome> {
  const { raw, decisions, node, world } = scene
  decisions.drain()
  const before = node.transport.blame(raw.peer)
  await raw.transport.publish(options.on, bytes)
  await world.pass(options.waitMs ?? 20)
  const found = decisions.drain().filter(({ about }) => about === 'bundle' || about === 'presence')
  if (found.length !== 1) throw new Error(`${found.length} decisions, 1 was expected`)
  const [decision] = found
  return {
    code: decision!.code ?? 'accepted',
    verdict: decision!.verdict,
    blame: node.transport.blame(raw.peer) - before,
  }
}

/** What an outcome must be by the table of verdicts; only reject blames the neighbour. */
export function refusedAs(code: Code): Outcome {
  const verdict = VERDICTS[code]
  return { code, verdict, blame: verdict === 'reject' ? 1 : 0 }
}

export const ACCEPTED: Outcome = { code: 'accepted', verdict: 'accept', blame: 0 }

/** Nothing of what was refused reached a reader. */
export function expectNothingDelivered(scene: Scene): void {
  expect([scene.deskInbox.size, scene.crewInbox.size]).toEqual([0, 0])
}

/**
 * The host refuses the first with this code and the neighbour is blamed as the table says; then it
 * accepts the genuine bundle, which takes the same places of the same stream where there is one.
 */
export async function expectRefused(
  scene: Scene,
  code: Code,
  refused: MadeBundle | { readonly bytes: Uint8Array; readonly on: string },
  options: { readonly genuine?: MadeBundle; readonly on?: string; readonly waitMs?: number } = {},
): Promise<void> {
  const { genuine, ...how } = options
  const outcome =
    'on' in refused
      ? await carryBytes(scene, refused.bytes, { ...how, on: refused.on })
      : await carry(scene, refused, how)
  expect(outcome).toEqual(refusedAs(code))
  expectNothingDelivered(scene)
  expect(await carry(scene, genuine ?? (await annsBundle(scene, DESK)))).toEqual(ACCEPTED)
}
