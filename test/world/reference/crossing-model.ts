import type { CrossCertificate, Purpose } from '@ixj/trust'

/** A name's key, as one organisation bound it: directly, by a key of its own. */
export interface BoundName {
  readonly name: string
  readonly key: string
  readonly issuer: string
  readonly issuerKey: string
}

/** What one verifier knows. */
export interface Knowledge {
  /** The verifier's own organisation, and the key that it trusts for it. */
  readonly own: { readonly name: string; readonly key: string }
  readonly certificates: readonly CrossCertificate[]
  readonly bindings: readonly BoundName[]
  readonly now: number
}

const SKEW = 60_000
const HOPS = 4

/**
 * Whether a verifier lets a foreign name with a key through for a purpose. Written from
 * docs/protocol.md, section "Cross-certificate", as plainly as it can be: every list of certificates
 * is made, then each rule is asked of each list. Slow, and apart from the code.
 */
export function letsThrough(
  {
    name,
    key,
    purpose,
  }: { readonly name: string; readonly key: string; readonly purpose: Purpose },
  known: Knowledge,
): boolean {
  const lists = everyList(known.certificates).filter((list) => isPath(list, known))
  const above = lists.filter((list) => within(name, last(list).subject))
  // The most specific subject is the root, and only the shortest ways to it count.
  const depth = Math.max(0, ...above.map((list) => last(list).subject.length))
  const toRoot = above.filter((list) => last(list).subject.length === depth)
  const shortest = Math.min(...toRoot.map((list) => list.length))
  return toRoot
    .filter((list) => list.length === shortest)
    .some(
      (list) =>
        list.every((certificate) => certificate.purposes.includes(purpose)) &&
        last(list).names.some((pattern) => means(pattern, name)) &&
        hasKey(name, key, last(list), known.bindings),
    )
}

/** Every list of 1 to 4 certificates, in every order, none twice. */
function everyList(certificates: readonly CrossCertificate[]): readonly CrossCertificate[][] {
  let lists: CrossCertificate[][] = [[]]
  const all: CrossCertificate[][] = []
  for (let length = 1; length <= HOPS; length++) {
    lists = lists.flatMap((list) =>
      certificates
        .filter((certificate) => !list.includes(certificate))
        // Lists that do not even touch are left out, or there would be too many.
        .filter(({ issuer }) => list.length === 0 || issuer === list.at(-1)!.subject)
        .map((certificate) => [...list, certificate]),
    )
    all.push(...lists)
  }
  return all
}

function isPath(list: readonly CrossCertificate[], { own, now }: Knowledge): boolean {
  const [first] = list
  if (first!.issuer !== own.name || hex(first!.issuerKey) !== own.key) return false
  const subjects = list.map(({ subject }) => subject)
  if (new Set(subjects).size !== subjects.length) return false
  if (subjects.some((subject) => within(subject, own.name))) return false
  return list.every((certificate, index) => {
    const later = list.slice(index + 1)
    const [next] = later
    const isLinked =
      next === undefined ||
      (next.issuer === certificate.subject &&
        certificate.subjectKeys.some((key) => hex(key) === hex(next.issuerKey)))
    const introducesAll = later.every(({ subject }) =>
      certificate.introduces.some((pattern) => means(pattern, subject)),
    )
    const isNow = now >= certificate.notBefore - SKEW && now <= certificate.notAfter + SKEW
    return isLinked && introducesAll && later.length <= certificate.hops && isNow
  })
}

function hasKey(
  name: string,
  key: string,
  root: CrossCertificate,
  bindings: readonly BoundName[],
): boolean {
  const certified = root.subjectKeys.map((each) => hex(each))
  if (name === root.subject) return certified.includes(key)
  return bindings.some(
    (bound) =>
      bound.name === name &&
      bound.key === key &&
      bound.issuer === root.subject &&
      certified.includes(bound.issuerKey),
  )
}

function means(pattern: string, name: string): boolean {
  if (pattern.startsWith('**.')) return name.endsWith(pattern.slice(2))
  if (!pattern.startsWith('*.')) return pattern === name
  return name.endsWith(pattern.slice(1)) && !name.slice(0, 1 - pattern.length).includes('.')
}

function within(name: string, top: string): boolean {
  return name === top || name.endsWith(`.${top}`)
}

function last(list: readonly CrossCertificate[]): CrossCertificate {
  return list.at(-1)!
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
