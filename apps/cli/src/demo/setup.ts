import { issueTo, type Identity, type IssueContext, type Rule, type SpawnOptions } from '@ixj/agent'
import { parseName, parsePattern, type Name } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock } from '@ixj/node'
import { AnchorSet, type AnchorFields } from '@ixj/trust'
import { join } from 'node:path'
import { ROLES, type Role } from './events.ts'

const ACME = parseName('acme.example')
const GLOBEX = parseName('globex.example')
/** The group in which the crew works. */
export const CREW = parseName('crew.acme.example')
/** The inbox to which all workers send. */
export const RESULTS = parseName('results.acme.example')
export const PLANNER = parseName('planner.acme.example')
export const LEDGER = parseName('ledger.acme.example')
export const COUNSEL = parseName('counsel.globex.example')
/** A worker whose binding ended minutes ago, more than the skew; its key is still at mallory's. */
export const EXPIRED_WORKER = parseName('w10.planner.acme.example')
/** A node that has a name of the organisation, and no right to any topic. */
export const READER_NODE = parseName('reader.nodes.acme.example')
/** A node of an organisation that nobody here knows. */
export const STRANGER_NODE = parseName('node.stranger.example')

const DAY_SECONDS = 24 * 3_600
const WEEK: SpawnOptions = { lifetimeSeconds: 7 * DAY_SECONDS }

/** The name of the node of each process. */
export function nodeOf(role: Role): Name {
  return parseName(
    role === 'counsel' ? 'counsel.nodes.globex.example' : `${role}.nodes.acme.example`,
  )
}

/** The home of each process, below the folder of the whole mesh. */
export function homeOf(mesh: string, role: string): string {
  return join(mesh, role)
}

/** Makes two organisations, their nodes and lasting agents: each process finds only what is its own. */
export async function setUpMesh(mesh: string): Promise<void> {
  const acme = await makeOrganisation(mesh, ACME)
  const globex = await makeOrganisation(mesh, GLOBEX)
  const stranger = await makeOrganisation(mesh, parseName('stranger.example'))
  for (const role of ROLES) {
    const organisation = role === 'counsel' ? globex : acme
    await makeMember(mesh, { role, name: nodeOf(role), organisation, options: WEEK })
    const anchors = [ownAnchor(organisation)]
    // The one decision of trust between organisations, each with a limit on names.
    if (role === 'ledger') anchors.push(foreignAnchor(globex, [COUNSEL, '*.nodes.globex.example']))
    if (role === 'counsel') anchors.push(foreignAnchor(acme, [LEDGER, '*.nodes.acme.example']))
    await (await openHome(homeOf(mesh, role))).writeAnchors(new AnchorSet(anchors))
  }
  const planner = await makePlanner(mesh, acme)
  await makeLedger(mesh, acme)
  await makeCounsel(mesh, globex)
  await makeMallory(mesh, { acme, planner, stranger })
}

async function makePlanner(mesh: string, organisation: Identity): Promise<Identity> {
  const workers = ['*.planner.acme.example']
  const planner = await makeMember(mesh, {
    role: 'planner',
    name: PLANNER,
    organisation,
    options: {
      ...WEEK,
      uses: 'both',
      depth: 1,
      grants: [
        {
          actions: ['publish', 'request', 'subscribe', 'answer'],
          topics: [CREW],
          mayDelegate: workers,
        },
        { actions: ['publish'], topics: [RESULTS], mayDelegate: workers },
        { actions: ['request'], topics: [LEDGER] },
      ],
    },
  })
  await writeRules(mesh, 'planner', [
    {
      id: 'our nodes may ask for names',
      effect: 'permit',
      sender: parsePattern('*.nodes.acme.example'),
      actions: ['request'],
      topic: parsePattern(PLANNER),
    },
  ])
  return planner
}

async function makeLedger(mesh: string, organisation: Identity): Promise<void> {
  const host = { actions: ['host'], topics: [RESULTS], mayDelegate: [nodeOf('ledger')] } as const
  const options = { ...WEEK, grants: [host] }
  await makeMember(mesh, { role: 'ledger', name: LEDGER, organisation, options })
}

async function makeCounsel(mesh: string, organisation: Identity): Promise<void> {
  await makeMember(mesh, { role: 'counsel', name: COUNSEL, organisation, options: WEEK })
  await writeRules(mesh, 'counsel', [
    {
      id: 'acme’s ledger may ask for rulings',
      effect: 'permit',
      sender: parsePattern(LEDGER),
      actions: ['request'],
      topic: parsePattern(COUNSEL),
    },
  ])
}

/** What an attacker may have: a node of its own, an old worker's key, a reader, a stranger's node. */
async function makeMallory(
  mesh: string,
  given: { readonly acme: Identity; readonly planner: Identity; readonly stranger: Identity },
): Promise<void> {
  const { acme, planner, stranger } = given
  const minutesAgo = { ...issuing, clock: { ...systemClock, now: () => Date.now() - 300_000 } }
  await makeMember(
    mesh,
    {
      role: 'mallory',
      name: EXPIRED_WORKER,
      organisation: planner,
      options: { lifetimeSeconds: 60 },
    },
    minutesAgo,
  )
  await makeMember(mesh, { role: 'reader', name: READER_NODE, organisation: acme, options: WEEK })
  await (await openHome(homeOf(mesh, 'reader'))).writeAnchors(new AnchorSet([ownAnchor(acme)]))
  await makeMember(mesh, {
    role: 'stranger',
    name: STRANGER_NODE,
    organisation: stranger,
    options: WEEK,
  })
  const anchors = [ownAnchor(stranger), ownAnchor(acme)]
  await (await openHome(homeOf(mesh, 'stranger'))).writeAnchors(new AnchorSet(anchors))
}

const issuing: IssueContext = { clock: systemClock, random: nodeRandom, hash: nodeSha256 }

async function makeOrganisation(mesh: string, name: Name): Promise<Identity> {
  const home = await openHome(homeOf(mesh, name))
  return { name, signer: await home.createKey(name), statements: [] }
}

async function makeMember(
  mesh: string,
  member: {
    readonly role: string
    readonly name: Name
    readonly organisation: Identity
    readonly options: SpawnOptions
  },
  context: IssueContext = issuing,
): Promise<Identity> {
  const { name, organisation, options } = member
  const home = await openHome(homeOf(mesh, member.role))
  const signer = await home.createKey(name)
  const child = { name, key: signer.publicKey }
  const statements = await issueTo(organisation, child, options, context)
  await home.writeStatements(name, statements)
  return { name, signer, statements }
}

async function writeRules(mesh: string, role: Role, rules: readonly Rule[]): Promise<void> {
  await (await openHome(homeOf(mesh, role))).writeRules(rules)
}

function ownAnchor({ name, signer }: Identity): AnchorFields {
  return {
    name,
    keys: [signer.publicKey],
    purposes: ['connect', 'grant', 'send'],
    addedAt: Date.now(),
    addedBy: 'ixj demo',
  }
}

function foreignAnchor({ name, signer }: Identity, names: readonly string[]): AnchorFields {
  return {
    name,
    keys: [signer.publicKey],
    names: names.map((text) => parsePattern(text)),
    addedAt: Date.now(),
    addedBy: 'ixj demo',
  }
}
