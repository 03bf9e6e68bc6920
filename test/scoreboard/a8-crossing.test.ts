import { parseName, parsePattern, type Name } from '@ixj/names'
import {
  AnchorSet,
  type Binding,
  checkName,
  type CrossCertificate,
  makeStandpoint,
  type Purpose,
  PURPOSES,
  type SignedStatement,
  type Statement,
  TrustError,
} from '@ixj/trust'
import { expect, test } from 'vitest'
import { seededRandom } from '../world/random.ts'
import { letsThrough } from '../world/reference/crossing-model.ts'
import { nodeSigner } from '../world/native-keys.ts'
import { report } from './report.ts'
import { isFull, ROW_MS_MAX, SEED } from './scale.ts'

const NOW = 1_795_435_200_000
const HOUR = 3_600_000
const EDGES_MAX = 6
/** Graphs times this many choices of constraints. */
const VARIANTS = isFull ? 25 : 1
/** Outside of full counts, this part of the graphs. */
const QUICK_PART = 0.2

const organisations = ['acme', 'globex', 'initech', 'umbrella'].map((label) =>
  parseName(`${label}.example`),
) as [Name, Name, Name, Name]
const [own] = organisations
const pairs = organisations.flatMap((issuer) =>
  organisations.filter((subject) => subject !== issuer).map((subject) => ({ issuer, subject })),
)
const verifier = parseName('node1.acme.example')

let keys = 0
const newKey = () => nodeSigner(new Uint8Array(32).fill((keys += 1))).publicKey
/** Of each organisation two keys; the verifier's anchor knows the first of its own. */
const keysOf = new Map(organisations.map((name) => [name, [newKey(), newKey()] as const]))
const leafKey = newKey()
const anchors = new AnchorSet([{ name: own, keys: [keysOf.get(own)![0]], purposes: PURPOSES }])

let made = 0
/** A statement as the store gives it out: its signature was checked when it came. */
function signed<S extends Statement>(statement: S): SignedStatement<S> {
  const idText = String((made += 1))
  const none = new Uint8Array()
  return { statement, id: none, idText, body: none, signature: none, tree: null, envelope: none }
}

/** Each foreign organisation binds a name one and one two labels below it with each of its keys. */
const bindings = organisations.slice(1).flatMap((issuer) =>
  keysOf.get(issuer)!.flatMap((issuerKey) =>
    ['a', 'a.b'].map((label) =>
      signed<Binding>({
        kind: 'binding',
        issuer,
        issuerKey,
        notBefore: NOW - HOUR,
        notAfter: NOW + HOUR,
        nonce: new Uint8Array(16),
        name: parseName(`${label}.${issuer}`),
        key: leafKey,
        encryptionKey: null,
        uses: 'sign',
        depth: 0,
        strict: false,
      }),
    ),
  ),
)

/** Every set of up to 6 of the 12 certificates that four organisations can issue. */
function* graphs(): Generator<readonly (typeof pairs)[number][]> {
  for (let bits = 0; bits < 2 ** pairs.length; bits++) {
    const graph = pairs.filter((_, index) => ((bits >> index) & 1) === 1)
    if (graph.length <= EDGES_MAX) yield graph
  }
}

function chooser(random: () => number) {
  const oneOf = <T>(...choices: readonly T[]) => choices[Math.floor(random() * choices.length)]!
  const some = <T>(choices: readonly T[]) => choices.filter(() => random() < 0.6)
  return { oneOf, some }
}

/** A certificate with constraints of chance: most let something through, few let all. */
function certificate(
  { issuer, subject }: (typeof pairs)[number],
  random: () => number,
): CrossCertificate {
  const { oneOf, some } = chooser(random)
  const patterns = (...texts: readonly string[]) => texts.map((text) => parsePattern(text))
  const all = patterns(`**.${subject}`, subject)
  const [first, second] = keysOf.get(subject)!
  const purposes = some<Purpose>(PURPOSES)
  return {
    kind: 'cross-certificate',
    issuer,
    issuerKey: random() < 0.85 ? keysOf.get(issuer)![0] : keysOf.get(issuer)![1],
    notBefore: NOW - HOUR,
    notAfter: oneOf(NOW + HOUR, NOW + HOUR, NOW + HOUR, NOW - HOUR / 2),
    nonce: new Uint8Array(16),
    subject,
    subjectKeys: oneOf([first], [first], [second], [first, second]),
    next: null,
    names: oneOf(all, all, patterns(subject), patterns(`*.${subject}`), []),
    introduces: some(organisations).map((name) => parsePattern(name)),
    hops: oneOf(0, 1, 2, 3, 3),
    purposes: purposes.length === 0 ? PURPOSES : purposes,
  }
}

/** Every name, key and purpose that is asked of each graph, own names with stolen trust included. */
const questions = organisations.flatMap((top) =>
  [top, parseName(`a.${top}`), parseName(`a.b.${top}`)].flatMap((name) => {
    const itsKeys = name === top ? keysOf.get(top)! : [leafKey]
    return itsKeys.flatMap((key) => PURPOSES.map((purpose) => ({ name, key, purpose })))
  }),
)

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test(
  'every graph of cross-certificates lets through exactly what the reference model does',
  () => {
    const random = seededRandom(SEED)
    let asked = 0
    let outside = 0
    let less = 0
    let accepted = 0
    for (const graph of graphs()) {
      if (!isFull && random() > QUICK_PART) continue
      for (let variant = 0; variant < VARIANTS; variant++) {
        const certificates = graph.map((pair) => certificate(pair, random))
        const all = certificates.map((each) => signed(each))
        const half = all.filter(() => random() < 0.5)
        const known = {
          own: { name: own, key: hex(keysOf.get(own)![0]) },
          certificates,
          bindings: bindings.map(({ statement: { name, key, issuer, issuerKey } }) => ({
            name,
            key: hex(key),
            issuer,
            issuerKey: hex(issuerKey),
          })),
          now: NOW,
        }
        // What came in the proof and what is at home count alike.
        const context = {
          bindings,
          anchors,
          now: NOW,
          crossCertificates: half,
          standpoint: makeStandpoint(
            verifier,
            all.filter((each) => !half.includes(each)),
          ),
        }
        for (const { name, key, purpose } of questions.filter((each) => !isOwn(each.name))) {
          asked += 1
          const does = isLetThrough({ name, key, purpose }, context)
          const should = letsThrough({ name, key: hex(key), purpose }, known)
          accepted += does ? 1 : 0
          outside += does && !should ? 1 : 0
          less += should && !does ? 1 : 0
        }
        // Nothing that others certify gives anybody a key of the verifier's own organisation.
        for (const { name, key, purpose } of questions.filter((each) => isOwn(each.name))) {
          const genuine = name === own && hex(key) === hex(keysOf.get(own)![0])
          asked += 1
          outside += isLetThrough({ name, key, purpose }, context) && !genuine ? 1 : 0
        }
      }
    }
    expect(less).toBe(0)
    expect(accepted).toBeGreaterThan(asked / 100)
    const row = {
      id: 'A8',
      what: `names through ${isFull ? 'every graph' : 'a fifth of the graphs'} of 4 organisations and up to 6 edges, limits chosen ${VARIANTS} times`,
      count: outside,
      of: asked,
      counted: 'outside the constraints',
      goal: 'none',
      note: `${accepted.toLocaleString('en-US')} inside, each as the reference model says`,
    } as const
    expect(report(row)).toBe('met')
  },
  ROW_MS_MAX,
)

function isOwn(name: Name): boolean {
  return name === own || name.endsWith(`.${own}`)
}

function isLetThrough(
  question: { readonly name: Name; readonly key: Uint8Array; readonly purpose: Purpose },
  context: Parameters<typeof checkName>[1],
): boolean {
  try {
    checkName({ ...question, use: 'sign' }, context)
    return true
  } catch (cause) {
    if (cause instanceof TrustError) return false
    throw cause
  }
}
