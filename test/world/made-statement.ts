import { parsePattern } from '@ixj/names'
import { nodeSha256 } from '@ixj/node'
import {
  type Binding,
  type CrossCertificate,
  defaultCrossNames,
  type Grant,
  issueStatement,
  type SignedStatement,
  type StatementFields,
} from '@ixj/trust'
import { provingStatements, type Identity } from '../../packages/agent/src/host/identity.ts'
import { name, type World } from './world.ts'

const HOUR_MS = 3_600_000

/** An identity bound by its parent's key with any fields: its form is checked, its sense is not. */
export async function bindAnyhow(
  world: World,
  parent: Identity,
  childName: string,
  changes: Partial<StatementFields<Binding>> = {},
): Promise<Identity> {
  const signer = world.key()
  const now = world.clock.now()
  const binding = await issueStatement(
    {
      kind: 'binding',
      issuer: parent.name,
      notBefore: now - HOUR_MS,
      notAfter: now + HOUR_MS,
      nonce: world.bytes(16),
      name: name(childName),
      key: signer.publicKey,
      encryptionKey: null,
      uses: 'both',
      depth: 4,
      strict: false,
      ...changes,
    },
    parent.signer,
    nodeSha256,
  )
  const statements = [...provingStatements(parent, []), binding]
  return { name: name(childName), signer, statements }
}

/** A grant with any fields, by any issuer: its form is checked, its sense is not. */
export async function grantAnyhow(
  world: World,
  issuer: Identity,
  changes: Omit<Partial<Grant>, 'topics' | 'subject'> & {
    readonly subject: string
    readonly topics: readonly string[]
  },
): Promise<SignedStatement<Grant>> {
  const now = world.clock.now()
  const { subject, topics, ...rest } = changes
  return await issueStatement(
    {
      kind: 'grant',
      issuer: issuer.name,
      notBefore: now - HOUR_MS,
      notAfter: now + HOUR_MS,
      nonce: world.bytes(16),
      onBehalfOf: issuer.name,
      subject: parsePattern(subject),
      subjectKey: null,
      actions: ['publish', 'request'],
      topics: topics.map((topic) => parsePattern(topic)),
      conditions: [],
      mayDelegate: false,
      parent: null,
      ...rest,
    },
    issuer.signer,
    nodeSha256,
  )
}

/** A cross-certificate with any fields, by any issuer, for an hour around now. */
export async function crossAnyhow(
  world: World,
  issuer: Identity,
  subject: Identity,
  changes: Omit<Partial<CrossCertificate>, 'names' | 'introduces'> & {
    readonly names?: readonly string[]
    readonly introduces?: readonly string[]
  } = {},
): Promise<SignedStatement<CrossCertificate>> {
  const now = world.clock.now()
  const { names, introduces = [], ...rest } = changes
  return await issueStatement(
    {
      kind: 'cross-certificate',
      issuer: issuer.name,
      notBefore: now - HOUR_MS,
      notAfter: now + HOUR_MS,
      nonce: world.bytes(16),
      subject: subject.name,
      subjectKeys: [subject.signer.publicKey],
      next: null,
      names: names?.map((each) => parsePattern(each)) ?? defaultCrossNames(subject.name),
      introduces: introduces.map((each) => parsePattern(each)),
      hops: 0,
      purposes: ['connect', 'send'],
      ...rest,
    },
    issuer.signer,
    nodeSha256,
  )
}

/** The identity with statements added. */
export function withStatements(
  identity: Identity,
  ...statements: readonly SignedStatement[]
): Identity {
  return { ...identity, statements: [...identity.statements, ...statements] }
}
