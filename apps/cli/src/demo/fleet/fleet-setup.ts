import { type Identity, issueTo, type IssueContext, type SpawnOptions } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock } from '@ixj/node'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { join } from 'node:path'
import {
  ACME,
  DISPATCH,
  FLOOR_GROUP,
  fleetNode,
  GARAGES,
  GATE_AGENT,
  RELAYS,
  REPORTS,
  robotName,
  ROBOTS,
  robotsOf,
  SAM,
  THIEF_ROLE,
} from './names.ts'

const WEEK_SECONDS = 7 * 24 * 3_600
const issuing: IssueContext = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }

/** The home of each process, below the folder of the whole fleet. */
export function fleetHome(fleet: string, role: string): string {
  return join(fleet, role)
}

/** Where the organisation's own keys lie: nothing but the setup, and who invites, opens it. */
export const OFFICE = 'office'

/** What a person in a page may do on the floor. */
export const PERSON: SpawnOptions = {
  lifetimeSeconds: WEEK_SECONDS,
  // Who revokes signs statements.
  uses: 'both',
  grants: [
    { actions: ['publish', 'request', 'subscribe'], topics: [FLOOR_GROUP] },
    { actions: ['request'], topics: [`*.${ROBOTS}`] },
    { actions: ['revoke'], topics: [`*.${ROBOTS}`] },
  ],
}

/** Makes the organisation, its nodes, its robots and their keys: each process finds only its own. */
export async function setUpFleet(fleet: string): Promise<void> {
  const office = await openHome(fleetHome(fleet, OFFICE))
  const acme: Identity = { name: ACME, signer: await office.createKey(ACME), statements: [] }
  const anchors = new AnchorSet([
    { name: ACME, keys: [acme.signer.publicKey], purposes: PURPOSES, addedBy: 'ixj demo' },
  ])
  await office.writeAnchors(anchors)
  const make = async (role: string, name: Name, parent: Identity, options: SpawnOptions) => {
    const home = await openHome(fleetHome(fleet, role))
    await home.writeAnchors(anchors)
    const signer = await home.createKey(name)
    const statements = await issueTo(parent, { name, key: signer.publicKey }, options, issuing)
    await home.writeStatements(name, statements)
    return { name, signer, statements }
  }
  for (const name of RELAYS) {
    await make(name.split('.')[0]!, name, acme, { lifetimeSeconds: WEEK_SECONDS })
  }
  for (const role of ['dispatch', ...GARAGES]) {
    await make(role, fleetNode(role), acme, { lifetimeSeconds: WEEK_SECONDS })
  }
  // Its node is one of the organisation's, that may listen: nobody has a reason to shut it out.
  await make(THIEF_ROLE, fleetNode(THIEF_ROLE), acme, {
    lifetimeSeconds: WEEK_SECONDS,
    grants: [{ actions: ['subscribe'], topics: [FLOOR_GROUP] }],
  })
  await make('dispatch', DISPATCH, acme, {
    lifetimeSeconds: WEEK_SECONDS,
    grants: [
      { actions: ['publish', 'request', 'subscribe'], topics: [FLOOR_GROUP] },
      { actions: ['request'], topics: [`*.${ROBOTS}`] },
      // To ask for an approval is to ask.
      { actions: ['request'], topics: [SAM] },
      { actions: ['host'], topics: [REPORTS], mayDelegate: [fleetNode('dispatch')] },
      { actions: ['publish'], topics: [GATE_AGENT], conditions: [['approvals', [1, [SAM]]]] },
    ],
  })
  await make('dispatch', GATE_AGENT, acme, { lifetimeSeconds: WEEK_SECONDS })
  await makeRobots(acme, make)
}

type Make = (role: string, name: Name, parent: Identity, options: SpawnOptions) => Promise<Identity>

async function makeRobots(acme: Identity, make: Make): Promise<void> {
  const robot = `*.${ROBOTS}`
  const fleet = await make(OFFICE, ROBOTS, acme, {
    lifetimeSeconds: WEEK_SECONDS,
    uses: 'both',
    depth: 1,
    grants: [
      {
        actions: ['answer', 'publish', 'subscribe'],
        topics: [FLOOR_GROUP],
        mayDelegate: [robot],
      },
      { actions: ['publish'], topics: [REPORTS], mayDelegate: [robot] },
    ],
  })
  for (const garage of GARAGES) {
    for (const number of robotsOf(garage)) {
      await make(garage, robotName(number), fleet, {
        lifetimeSeconds: WEEK_SECONDS,
        grants: [
          { actions: ['answer', 'publish', 'subscribe'], topics: [FLOOR_GROUP] },
          { actions: ['publish'], topics: [REPORTS] },
        ],
      })
    }
  }
}
