import { issueTo, type Identity, type IssueContext, type SpawnOptions } from '@ixj/agent'
import type { KeyRecord } from '@ixj/dns'
import { parseName, parsePattern, type Name } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock, zonesOf } from '@ixj/node'
import { DEFAULT_POLICY } from '@ixj/node/policy'
import { AnchorSet, isBinding, issueStatement, type AnchorFields, type Uses } from '@ixj/trust'
import { join } from 'node:path'
import { ROLES, type Role } from './events.ts'
import { makeUpdateKey, makeZone, PUBLISHERS, type PublishedMember } from './zones.ts'

export const ACME = parseName('acme.example')
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
/** An agent of mallory's that may write to the crew with the planner's approval. */
export const CLEANER = parseName('cleaner.acme.example')
/** A worker whose key was copied, until somebody notices. */
export const STOLEN_WORKER = parseName('w11.planner.acme.example')
/** A name that globex itself bound, and for which acme's cross-certificate does not let it speak. */
export const INTRUDER = parseName('treasurer.globex.example')
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

/**
 * Makes two organisations, each with a zone of its own in which its lasting agents' keys stand, and
 * their nodes: each process finds only what is its own, and trusts zones, not copied keys.
 */
export async function setUpMesh(mesh: string): Promise<void> {
  const acme = await makeOrganisation(mesh, ACME)
  const globex = await makeOrganisation(mesh, GLOBEX)
  const stranger = await makeOrganisation(mesh, parseName('stranger.example'))
  for (const role of ROLES) {
    const organisation = role === 'counsel' ? globex : acme
    await makeMember(mesh, { role, name: nodeOf(role), organisation, options: WEEK })
  }
  const planner = await makePlanner(mesh, acme)
  const ledger = await makeLedger(mesh, acme)
  const counsel = await makeCounsel(mesh, globex)
  await makeMallory(mesh, { acme, planner, stranger })
  await makeIntruder(mesh, { acme, globex })
  const zones = {
    acme: await makeZone(mesh, 'acme-dns', [
      published(acme, { uses: 'both', depth: 4 }),
      published(planner, { uses: 'both', depth: 1, hosts: [nodeOf('planner')] }),
      published(ledger, { uses: 'sign', depth: 0, hosts: [nodeOf('ledger')] }),
    ]),
    globex: await makeZone(mesh, 'globex-dns', [
      published(globex, { uses: 'both', depth: 4 }),
      published(counsel, { uses: 'sign', depth: 0, hosts: [nodeOf('counsel')] }),
    ]),
  }
  for (const { role } of PUBLISHERS) await makeUpdateKey(mesh, role)
  for (const role of [...ROLES, 'reader']) await writeTrust(mesh, role, zones)
}

/** Its own organisation's zone, and the one decision of trust beside it, with a limit on names. */
async function writeTrust(
  mesh: string,
  role: string,
  zones: { readonly acme: string; readonly globex: string },
): Promise<void> {
  const anchors = zoneAnchors(role === 'counsel' ? zones.globex : zones.acme, {
    purposes: ['connect', 'grant', 'send'],
  })
  if (role === 'ledger') {
    const names = [parsePattern(COUNSEL), parsePattern('*.nodes.globex.example')]
    anchors.push(...zoneAnchors(zones.globex, { names }))
  }
  if (role === 'counsel') {
    const names = [parsePattern(LEDGER), parsePattern('*.nodes.acme.example')]
    anchors.push(...zoneAnchors(zones.acme, { names }))
  }
  await (await openHome(homeOf(mesh, role))).writeAnchors(new AnchorSet(anchors))
}

async function makePlanner(mesh: string, organisation: Identity): Promise<Identity> {
  const workers = ['*.planner.acme.example']
  const planner = await makeMember(mesh, {
    role: 'planner',
    name: PLANNER,
    organisation,
    inDns: true,
    options: {
      ...WEEK,
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
  await addRule(mesh, 'planner', {
    id: 'our nodes may ask for names',
    sender: 'principal in Zone::"nodes.acme.example"',
    topic: PLANNER,
  })
  return planner
}

async function makeLedger(mesh: string, organisation: Identity): Promise<Identity> {
  const host = { actions: ['host'], topics: [RESULTS], mayDelegate: [nodeOf('ledger')] } as const
  const options = { ...WEEK, grants: [host] }
  return await makeMember(mesh, {
    role: 'ledger',
    name: LEDGER,
    organisation,
    options,
    inDns: true,
  })
}

async function makeCounsel(mesh: string, organisation: Identity): Promise<Identity> {
  const options = WEEK
  const counsel = await makeMember(mesh, {
    role: 'counsel',
    name: COUNSEL,
    organisation,
    options,
    inDns: true,
  })
  await addRule(mesh, 'counsel', {
    id: 'acme’s ledger may ask for rulings',
    sender: `principal == Agent::"${LEDGER}"`,
    topic: COUNSEL,
  })
  return counsel
}

/** What attackers may have: an old worker's key, an agent under approval, a reader, a stranger. */
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
  await makeMember(mesh, {
    role: 'mallory',
    name: STOLEN_WORKER,
    organisation: planner,
    options: {
      lifetimeSeconds: DAY_SECONDS,
      grants: [{ actions: ['publish'], topics: [CREW] }],
    },
  })
  await makeMember(mesh, {
    role: 'mallory',
    name: CLEANER,
    organisation: acme,
    options: {
      ...WEEK,
      grants: [
        { actions: ['publish'], topics: [CREW], conditions: [['approvals', [1, [PLANNER]]]] },
      ],
    },
  })
  await makeMember(mesh, { role: 'reader', name: READER_NODE, organisation: acme, options: WEEK })
  await makeMember(mesh, {
    role: 'stranger',
    name: STRANGER_NODE,
    organisation: stranger,
    options: WEEK,
  })
  const anchors = [ownAnchor(stranger), ownAnchor(acme)]
  await (await openHome(homeOf(mesh, 'stranger'))).writeAnchors(new AnchorSet(anchors))
}

/** The planner's home lets counsel in by a cross-certificate; globex binds another name as well. */
async function makeIntruder(
  mesh: string,
  given: { readonly acme: Identity; readonly globex: Identity },
): Promise<void> {
  const { acme, globex } = given
  await makeMember(mesh, { role: 'mallory', name: INTRUDER, organisation: globex, options: WEEK })
  const now = Date.now()
  const certificate = await issueStatement(
    {
      kind: 'cross-certificate',
      issuer: acme.name,
      notBefore: now,
      notAfter: now + DAY_SECONDS * 1_000,
      nonce: nodeRandom(16),
      subject: globex.name,
      subjectKeys: [globex.signer.publicKey],
      next: null,
      names: [parsePattern(COUNSEL)],
      introduces: [],
      hops: 0,
      purposes: ['grant', 'send'],
    },
    acme.signer,
    nodeSha256,
  )
  await (await openHome(homeOf(mesh, 'planner'))).updateCrossCertificates(() => [certificate])
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
    /** Its key stands in the zone, so nobody has to bind it. */
    readonly inDns?: boolean
  },
  context: IssueContext = issuing,
): Promise<Identity> {
  const { name, organisation, options } = member
  const home = await openHome(homeOf(mesh, member.role))
  const signer = await home.createKey(name)
  const child = { name, key: signer.publicKey }
  const issued = await issueTo(organisation, child, options, context)
  const statements = issued.filter(
    (signed) => member.inDns !== true || !isBinding(signed) || signed.statement.name !== name,
  )
  await home.writeStatements(name, statements)
  return { name, signer, statements }
}

/** Lets a sender ask, beside what the default policy permits. */
async function addRule(
  mesh: string,
  role: Role,
  rule: { readonly id: string; readonly sender: string; readonly topic: Name },
): Promise<void> {
  const { id, sender, topic } = rule
  const scope = `${sender}, action == Action::"request", resource == Topic::"${topic}"`
  const text = `${DEFAULT_POLICY}\n@id("${id}")\npermit (${scope});\n`
  await (await openHome(homeOf(mesh, role))).writePolicy(text)
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

/** A zone's anchor, from the lines that its owner told. */
function zoneAnchors(lines: string, fields: Partial<AnchorFields>): AnchorFields[] {
  const added = { addedAt: Date.now(), addedBy: 'ixj demo' }
  return zonesOf(lines).map((anchor) => ({ ...anchor, ...fields, ...added }))
}

/** What a zone says of a name: its key, what it may do, and which node receives for it. */
function published(
  { name, signer }: Identity,
  of: { readonly uses: Uses; readonly depth: number; readonly hosts?: readonly Name[] },
): PublishedMember {
  const record: KeyRecord = {
    key: signer.publicKey,
    uses: of.uses,
    depth: of.depth,
    hosts: of.hosts ?? [],
    strict: false,
    notBefore: 0,
    encryptionKey: null,
    next: null,
  }
  return { name, record }
}
