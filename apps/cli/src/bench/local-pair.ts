import { issueTo } from '@ixj/agent'
import { parseName, type Name } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, openNode, systemClock } from '@ixj/node'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from '../demo/child-process.ts'
import type { Session } from '../session.ts'

const ORGANISATION = parseName('bench.example')
const ASKER = parseName('asker.bench.example')
const ANSWERER = parseName('answerer.bench.example')
const LIFETIME = { lifetimeSeconds: 3_600 }

/** Two nodes of this machine: one here, one in a process of its own that answers. */
export interface LocalPair extends Session {
  /** The agent in the other process. */
  readonly answerer: Name
}

/**
 * Makes homes in a folder that goes with it, and starts `ixj answer` on one of them. `program` is
 * the command that starts this very program; `fail` hears when the other process ends by itself.
 */
export async function openLocalPair(
  program: readonly string[],
  fail: (cause: Error) => void,
): Promise<LocalPair> {
  await using opening = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'ixj-bench-'))
  opening.defer(() => rm(folder, { recursive: true, force: true }))
  const homes = { asker: join(folder, 'asker'), answerer: join(folder, 'answerer') }
  await makeHomes(homes)
  const node = opening.use(
    await openNode({
      name: ASKER,
      home: await openHome(homes.asker),
      listen: ['/ip4/127.0.0.1/tcp/0'],
    }),
  )
  const agent = await node.openAgent(ASKER)
  const [address = ''] = node.addresses
  const words = ['--home', homes.answerer, 'answer', '--as', ANSWERER, '--connect', address]
  opening.use(
    startChild([...program, ...words], { label: 'the agent that answers', hear: () => {}, fail }),
  )
  const opened = opening.move()
  return { node, agent, answerer: ANSWERER, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

async function makeHomes(homes: { readonly asker: string; readonly answerer: string }) {
  const office = await openHome(homes.asker)
  const { publicKey } = await office.createKey(ORGANISATION)
  const anchors = new AnchorSet([{ name: ORGANISATION, keys: [publicKey], purposes: PURPOSES }])
  const grants = [{ actions: ['publish', 'request'] as const, topics: [ANSWERER] }]
  for (const [folder, name] of [
    [homes.asker, ASKER],
    [homes.answerer, ANSWERER],
  ] as const) {
    const home = await openHome(folder)
    await home.writeAnchors(anchors)
    const key = await home.createKey(name)
    const statements = await issueTo(
      await office.readIdentity(ORGANISATION),
      { name, key: key.publicKey },
      { ...LIFETIME, grants: name === ASKER ? grants : [] },
      { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
    )
    await home.writeStatements(name, statements)
  }
}
