import { issueTo, type GrantRequest } from '@ixj/agent'
import { type Name } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock, type Home } from '@ixj/node'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentsOf, LEAD, type AgentNumber, type Cast } from '../cast.ts'
import type { Ground } from '../ground.ts'
import { ACME, agentName, nodeName } from './names.ts'

const LIFETIME = { lifetimeSeconds: 7_200 }

/** What every agent may do: all that the patterns need, in one grant. */
const GRANT: GrantRequest = {
  actions: ['publish', 'request', 'subscribe'],
  topics: ['*.crews.acme.example', agentName(LEAD), agentName(1)],
}

/** The home of a node. */
export function homeFolder(homes: string, node: Name): string {
  return join(homes, node)
}

/** Homes on disk for every node, with keys, statements, anchors and the policy of a new home. */
export async function openHomes(cast: Cast): Promise<Ground> {
  const homes = await mkdtemp(join(tmpdir(), 'ixj-bench-homes-'))
  const office = await openHome(homeFolder(homes, nodeName(0, 0)))
  const { publicKey } = await office.createKey(ACME)
  await office.writeAnchors(new AnchorSet([{ name: ACME, keys: [publicKey], purposes: PURPOSES }]))
  const all = Array.from({ length: cast.processes }, (_, process) =>
    nodesOf(process, cast).map((agents, number) => ({ node: nodeName(process, number), agents })),
  ).flat()
  // Each waits for its disk, one file after the other: all homes at once take a fraction of that.
  await Promise.all(
    all.map(async ({ node, agents }) => {
      const home = await openHome(homeFolder(homes, node))
      if (node !== nodeName(0, 0)) await home.writeAnchors(await office.readAnchors())
      const names = [node, ...agents.map(agentName)]
      for (const name of names) await bear({ office, home, name }, name === node ? [] : [GRANT])
    }),
  )
  return {
    settings: { homes },
    pids: [],
    [Symbol.asyncDispose]: () => rm(homes, { recursive: true, force: true }),
  }
}

/** The nodes of a process, each with its agents. */
export function nodesOf(process: number, cast: Cast): readonly (readonly AgentNumber[])[] {
  const agents = agentsOf(process, cast)
  const nodes = process === 0 ? 1 : (cast.nodesPerProcess ?? 1)
  return Array.from({ length: nodes }, (_, number) =>
    agents.filter((_agent, index) => index % nodes === number),
  )
}

async function bear(
  { office, home, name }: { readonly office: Home; readonly home: Home; readonly name: Name },
  grants: readonly GrantRequest[],
): Promise<void> {
  const { publicKey } = await home.createKey(name)
  const statements = await issueTo(
    await office.readIdentity(ACME),
    { name, key: publicKey },
    { ...LIFETIME, grants },
    { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
  )
  await home.writeStatements(name, statements)
}
