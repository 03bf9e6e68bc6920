import { join } from 'node:path'
import { issueTo, explanationOf } from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import {
  AnchorSet,
  type CrossCertificate,
  defaultCrossNames,
  issueStatement,
  PURPOSES,
  type SignedStatement,
} from '@ixj/trust'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Home, openHome } from '../src/home.ts'
import { HomeError } from '../src/home/home-error.ts'
import { type Node, openNode } from '../src/node.ts'
import { nodeRandom, nodeSha256 } from '../src/node-keys.ts'
import { systemClock } from '../src/system-clock.ts'
import { openFolder } from './home-bench.ts'

const listen = ['/ip4/127.0.0.1/tcp/0']

let open: AsyncDisposableStack
let folder: string

beforeEach(async () => {
  open = new AsyncDisposableStack()
  folder = open.use(await openFolder()).path
})

afterEach(async () => {
  await open.disposeAsync()
})

/** The home of an organisation that trusts itself and nobody else. */
async function found(label: string): Promise<{ readonly home: Home; readonly top: Name }> {
  const top = parseName(`${label}.example`)
  const home = await openHome(join(folder, label))
  const { publicKey } = await home.createKey(top)
  await home.writeAnchors(new AnchorSet([{ name: top, keys: [publicKey], purposes: PURPOSES }]))
  return { home, top }
}

async function born(home: Home, top: Name, label: string): Promise<Name> {
  const name = parseName(`${label}.${top}`)
  const { publicKey } = await home.createKey(name)
  const encryptionKey = (await home.readOpening(name)).publicKey
  const statements = await issueTo(
    await home.readIdentity(top),
    { name, key: publicKey, encryptionKey },
    { lifetimeSeconds: 600 },
    { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
  )
  await home.writeStatements(name, statements)
  return name
}

async function certify(
  by: { readonly home: Home; readonly top: Name },
  subject: { readonly home: Home; readonly top: Name },
): Promise<SignedStatement<CrossCertificate>> {
  const now = systemClock.now()
  const certificate = await issueStatement(
    {
      kind: 'cross-certificate',
      issuer: by.top,
      notBefore: now,
      notAfter: now + 600_000,
      nonce: nodeRandom(16),
      subject: subject.top,
      subjectKeys: [(await subject.home.readSigner(subject.top)).publicKey],
      next: null,
      names: defaultCrossNames(subject.top),
      introduces: [],
      hops: 0,
      purposes: ['connect', 'send'],
    },
    await by.home.readSigner(by.top),
    nodeSha256,
  )
  await by.home.updateCrossCertificates((before) => [...before, certificate])
  return certificate
}

test('two organisations meet over libp2p by a cross-certificate each way, and by nothing else; what they ask is sealed', async () => {
  const acme = await found('acme')
  const globex = await found('globex')
  const desk = await born(acme.home, acme.top, 'desk')
  const scout = await born(globex.home, globex.top, 'scout')
  await acme.home.writePolicy(`@id("globex may ask")
permit (principal in Zone::"globex.example", action == Action::"request", resource);
`)
  await certify(acme, globex)
  await certify(globex, acme)
  const first: Node = open.use(await openNode({ name: desk, home: acme.home, listen }))
  const second = open.use(
    await openNode({ name: scout, home: globex.home, connect: first.addresses }),
  )
  const agent = await first.openAgent(desk)
  const answering = (async () => {
    for await (const request of agent.requests()) {
      return await request.reply(request.sealed ? 'come in' : 'close the door')
    }
  })()
  const decisions = first.decisions()
  const asker = await second.openAgent(scout)
  const answer = await asker.request(desk, 'may I?')
  await answering
  expect(answer).toMatchObject({ body: 'come in', sealed: true })
  expect([first.neighbours, second.neighbours]).toEqual([[scout], [desk]])
  const accepted = decisions.drain().find(({ about, code }) => about === 'bundle' && code === null)
  expect(explanationOf(accepted!).name.lines).toContain(
    'anchor: acme.example, from your trust store',
  )
})

test('a home keeps cross-certificates in a file, and refuses one that holds something else', async () => {
  const acme = await found('acme')
  const globex = await found('globex')
  expect(await acme.home.readCrossCertificates()).toEqual([])
  const certificate = await certify(acme, globex)
  expect(await acme.home.readCrossCertificates()).toEqual([certificate])
  const { statements } = await acme.home.readIdentity(await born(acme.home, acme.top, 'w1'))
  await acme.home.updateCrossCertificates(() => statements)
  expect(await acme.home.readCrossCertificates()).toEqual(statements)
  const revocation = await issueStatement(
    {
      kind: 'revocation',
      issuer: acme.top,
      notBefore: 1,
      notAfter: 2,
      nonce: nodeRandom(16),
      of: acme.top,
      target: { kind: 'statement', id: certificate.id },
    },
    await acme.home.readSigner(acme.top),
    nodeSha256,
  )
  await acme.home.updateCrossCertificates(() => [revocation])
  await expect(acme.home.readCrossCertificates()).rejects.toThrow(HomeError)
})
