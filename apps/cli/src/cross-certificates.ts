import type { Name } from '@ixj/names'
import { type Home, openNodeVerifier, parseCrossCertificates, systemClock } from '@ixj/node/home'
import {
  type CrossCertificate,
  findCrossPaths,
  findLimit,
  formatDate,
  isBinding,
  isCrossCertificate,
  makeStandpoint,
  type Purpose,
  PURPOSES,
  type SignedStatement,
  SKEW_MS,
  type Standpoint,
  toBase64url,
  toHex,
  TrustError,
  verifySignature,
} from '@ixj/trust'
import { verified } from './belief.ts'
import { blocks } from './blocks.ts'
import { CommandError } from './command-error.ts'
import { printable, type Record } from './output.ts'
import { orNobody } from './statement-text.ts'
import { findZoneKeys } from './zone-keys.ts'

type Certificate = SignedStatement<CrossCertificate>

/**
 * Keeps cross-certificates, and the bindings of their issuers. What the same issuer said before of
 * the same subject is replaced, and what has ended goes.
 */
export async function keepCrossCertificates(
  home: Home,
  statements: readonly SignedStatement[],
): Promise<void> {
  const now = systemClock.now()
  const said = new Set(statements.filter(isCrossCertificate).map((each) => placeOf(each)))
  await home.updateCrossCertificates((before) => {
    const kept = before.filter(
      (each) =>
        each.statement.notAfter + SKEW_MS >= now &&
        !(isCrossCertificate(each) && said.has(placeOf(each))),
    )
    return [...new Map([...kept, ...statements].map((each) => [each.idText, each])).values()]
  })
}

function placeOf({ statement: { issuer, subject } }: Certificate): string {
  return `${issuer} ${subject}`
}

/**
 * Takes in a file of cross-certificates that another home wrote; gives the certificates in it.
 * @throws CommandError `file`; TrustError `bad-signature`; HomeError
 */
export async function acceptCrossCertificates(
  home: Home,
  bytes: Uint8Array,
  shown: string,
): Promise<readonly Certificate[]> {
  const statements = parseCrossCertificates(bytes, shown)
  const verifier = openNodeVerifier()
  for (const signed of statements) {
    if (await verifySignature(signed, verifier)) continue
    const { kind, issuer } = signed.statement
    const reason = `the signature of its ${kind} by ${issuer} does not hold`
    throw new TrustError('bad-signature', `Cannot accept ${shown}: ${reason}`)
  }
  const certificates = statements.filter(isCrossCertificate)
  if (certificates.length === 0) {
    throw new CommandError('absent', `Cannot accept ${shown}: it has no cross-certificate`)
  }
  await keepCrossCertificates(home, statements)
  return certificates
}

/** What a certificate lets in, in sentences for people. */
export function describeCertificate({ statement }: Certificate): string {
  const { issuer, subject, names, introduces, hops, purposes, notAfter } = statement
  const what = purposes.map((purpose) => MEANINGS[purpose]).join('; ')
  const speaks =
    names.length === 0
      ? `${subject} speaks for nobody, not even itself`
      : `${subject} speaks for ${names.join(', ')}`
  const further =
    introduces.length === 0 || hops === 0
      ? 'it lets nobody else in'
      : `it may let in ${introduces.join(', ')}, up to ${hops} ${hops === 1 ? 'hop' : 'hops'} further`
  return [
    `${issuer} lets ${subject} in, until ${formatDate(notAfter)}:`,
    `  ${speaks}`,
    `  what for: ${what}`,
    `  ${further}`,
    `  it counts for names at or below ${issuer}; policy decides what they may say`,
  ].join('\n')
}

const MEANINGS: { readonly [P in Purpose]: string } = {
  connect: 'its nodes may connect',
  send: 'its names count as senders',
  grant: 'grants that its names issued count',
}

/** A certificate for programs. */
export function certificateRecord({ idText, statement }: Certificate): Record {
  const { issuer, subject, subjectKeys, next, names } = statement
  const { introduces, hops, purposes, notAfter } = statement
  return {
    id: idText,
    issuer,
    subject,
    publicKeys: subjectKeys.map((key) => toBase64url(key)),
    next: next === null ? null : toHex(next),
    names: [...names],
    introduces: [...introduces],
    hops,
    purposes: [...purposes],
    until: notAfter,
  }
}

/** Certificates for people, one block each. */
export function certificateBlocks(certificates: readonly Certificate[]): string {
  const shown = certificates.map(({ statement }) => {
    const { issuer, subject, purposes, names, introduces, hops, notAfter } = statement
    const further = introduces.length === 0 ? 'nobody' : `${introduces.join(', ')} (hops: ${hops})`
    return {
      title: `${issuer} lets ${subject} in`,
      facts: [
        ['purposes', purposes.join(', ')],
        ['names', orNobody(names)],
        ['introduces', further],
        ['until', formatDate(notAfter)],
      ] as const,
    }
  })
  return blocks(shown).join('\n')
}

/** Who verifies in this home, with what it has; `as` is the node or agent that would. */
export async function standpointOf(home: Home, as: Name): Promise<Standpoint> {
  const given = await verified([
    ...(await home.readCrossCertificates()),
    ...(await home.readStatements(as)).filter(isBinding),
  ])
  const standpoint = makeStandpoint(as, given)
  const issuers = given.filter(isCrossCertificate).map(({ statement }) => statement.issuer)
  const { published } = await findZoneKeys(issuers, { home, anchors: await home.readAnchors() })
  return { ...standpoint, published }
}

/** What `ixj trust path` tells: ways that count, ways that do not, and why. */
export interface PathReport {
  readonly record: Record
  readonly text: string
  readonly leads: boolean
}

/** The ways from this home's anchors to a name, as a tree. */
export async function reportPaths(home: Home, name: Name, as: Name): Promise<PathReport> {
  const anchors = await home.readAnchors()
  const anchor = anchors.for(name)
  if (anchor !== undefined) {
    const text = `${name}\n└─ anchor ${anchor.name}, from your trust store: it alone decides`
    return { record: { name, as, anchor: anchor.name, paths: [], refused: [] }, text, leads: true }
  }
  const standpoint = await standpointOf(home, as)
  const context = { bindings: [], anchors, standpoint, now: systemClock.now() }
  const question = { name, key: new Uint8Array(32), use: 'sign', purpose: 'send' } as const
  const { paths, faults } = findCrossPaths(question, context)
  const ways = paths.map(({ certificates, introducer }) => ({
    organisations: [introducer.anchor.name, ...certificates.map((each) => each.statement.subject)],
    purposes: PURPOSES.filter(
      (purpose) => findLimit({ certificates }, { name, purpose }) === undefined,
    ),
    limit: findLimit({ certificates }, { name, purpose: 'send' }),
  }))
  const refused = faults.map(({ certificates, code, reason }) => ({
    organisations: [
      certificates[0]!.statement.issuer,
      ...certificates.map((each) => each.statement.subject),
    ],
    code,
    reason,
  }))
  const lines = [
    ...ways.map(({ organisations, purposes, limit }) =>
      purposes.length === 0
        ? `no   ${organisations.join(' → ')}: ${limit ?? 'for nothing'}`
        : `yes  ${organisations.join(' → ')}: ${purposes.join(', ')}`,
    ),
    ...refused.map(({ organisations, reason }) => `no   ${organisations.join(' → ')}: ${reason}`),
  ]
  const tree = lines.map((line, index) => `${index === lines.length - 1 ? '└─' : '├─'} ${line}`)
  const nothing = '└─ no   no anchor of yours is above it, and no cross-certificate leads there'
  return {
    record: {
      name,
      as,
      anchor: null,
      paths: ways.map(({ organisations, purposes }) => ({ organisations, purposes })),
      refused,
    },
    // Reasons name what others wrote: each stays a line of its own.
    text: [`${name}, seen from ${as}`, ...(tree.length === 0 ? [nothing] : tree)]
      .map((line) => printable(line))
      .join('\n'),
    leads: ways.some(({ purposes }) => purposes.length > 0),
  }
}
