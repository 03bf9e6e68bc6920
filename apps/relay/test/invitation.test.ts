import { memoryStore, openHost } from '@ixj/agent'
import { type Invitation, invitationIdOf, makeClaim, parseInvitation } from '@ixj/agent/invitations'
import { enrol } from '../../../packages/browser/src/enrolment.ts'
import { openRelayTransport } from '../../../packages/browser/src/index.ts'
import { generateNodeKey, nodeRandom, nodeSha256, openNodeVerifier, systemClock } from '@ixj/node'
import { AnchorSet, isGrant, PURPOSES, type SignedStatement, type Signer } from '@ixj/trust'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import {
  openProgramBench,
  type ProgramBench,
  records,
  type RunningProgram,
} from '../../cli/test/program-bench.ts'
import type { Relay } from '../src/relay.ts'
import { fetchRaw, openRelayBench, RELAY, type RelayBench } from './relay-bench.ts'

const TOKEN = 'a-token-of-some-length'
const SAM = 'sam.acme.example'
const BYTES = { 'content-type': 'application/octet-stream' }
// Each test starts a process that loads libp2p.
vi.setConfig({ testTimeout: 60_000 })

let programs: ProgramBench
let bench: RelayBench
let relay: Relay

beforeAll(async () => {
  programs = await openProgramBench()
  await programs.organisation({ [RELAY]: [], 'stranger.acme.example': [] })
  bench = await openRelayBench()
  relay = await bench.relay({
    home: `${programs.folder}/.ixj`,
    origins: ['none'],
    'metrics.token': TOKEN,
  })
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
  await programs[Symbol.asyncDispose]()
})

/** Runs `ixj agent invite`. */
function invite(...words: readonly string[]): RunningProgram {
  const [address = ''] = relay.node.addresses
  const through = ['--through', RELAY, '--connect', address, '--page', `${relay.url}/`]
  return programs.start([
    'agent',
    'invite',
    SAM,
    '--by',
    'acme.example',
    ...through,
    ...words,
    '--json',
  ])
}

async function invitationOf(program: RunningProgram): Promise<Invitation> {
  const [told] = records(await program.line('stdout', '"invited"'))
  return parseInvitation(String(told?.['link']))!
}

const parts = {
  clock: systemClock,
  random: nodeRandom,
  verifier: openNodeVerifier(),
  hash: nodeSha256,
}

/** What a page does with an invitation. */
async function enrolled(
  invitation: Invitation,
  signer: Signer,
): Promise<readonly SignedStatement[]> {
  const given = { ...parts, invitation, signer, relay: relay.url, encryptionKey: null, fetch }
  return (await enrol(given)).statements
}

test('a page gets its name by a link, once, and comes in by the door with it', async () => {
  const inviting = invite('--grant', 'publish,subscribe crew.acme.example')
  const invitation = await invitationOf(inviting)
  const signer = generateNodeKey()
  const statements = await enrolled(invitation, signer)
  expect(statements.filter(isGrant)[0]?.statement.actions).toEqual(['publish', 'subscribe'])
  const { code, stdout } = await inviting.end()
  expect(code).toBe(0)
  expect(records(stdout).at(-1)).toMatchObject({ event: 'bound', name: SAM, grants: 1 })
  // The inviter's log has what was bound, and granted.
  const shown = records(await programs.done('audit', 'show', 'acme.example', '--json'))
  const issued = statements.filter(({ statement }) => statement.issuer === 'acme.example')
  const ids = issued.map(({ idText }) => expect.stringContaining(idText) as string)
  expect(shown.map((each) => JSON.stringify(each))).toEqual(expect.arrayContaining(ids))
  // Who comes later with the same link is told at once.
  await expect(enrolled(invitation, generateNodeKey())).rejects.toMatchObject({ code: 'ended' })

  const { root } = invitation
  const transport = openRelayTransport({
    ...parts,
    relays: [{ url: `${relay.url.replace('http', 'ws')}/`, name: invitation.relay }],
    name: invitation.name,
    signer,
    origin: 'none',
    WebSocket,
  })
  await using page = await openHost({
    ...parts,
    identity: { name: invitation.name, signer, statements },
    anchors: new AnchorSet([{ name: root.name, keys: [root.key], purposes: PURPOSES }]),
    transport,
    generateKey: generateNodeKey,
    store: memoryStore(),
  })
  expect(page.name).toBe(invitation.name)
  await vi.waitUntil(() => relay.node.neighbours.includes(invitation.name), { timeout: 10_000 })
  const { body } = await fetchRaw(relay.url, '/metrics', {
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  expect(String(body)).toContain('ixj_door_total{what="logins"} 1')
  expect(String(body)).toContain('ixj_relay_invitations_total{outcome="answered"} 1')
})

test('the relay keeps an answer for the page that did not hear it', async () => {
  const inviting = invite()
  const invitation = await invitationOf(inviting)
  const key = { signer: generateNodeKey(), encryptionKey: null }
  const claim = await makeClaim(invitation, key, parts)
  const path = `/invitations/${invitationIdOf(invitation)}`
  const asked = { method: 'POST', headers: BYTES, body: claim }
  const first = await fetchRaw(relay.url, path, asked)
  expect((await inviting.end()).code).toBe(0)
  const second = await fetchRaw(relay.url, path, asked)
  expect([first.status, second.status]).toEqual([200, 200])
  expect(second.body).toEqual(first.body)
})

test('who guesses is told, and an invitation that is taken back is gone', async () => {
  const inviting = invite()
  const invitation = await invitationOf(inviting)
  const forged = { ...invitation, secret: nodeRandom(32) }
  const key = { signer: generateNodeKey(), encryptionKey: null }
  const path = `/invitations/${invitationIdOf(invitation)}`
  const body = await makeClaim(forged, key, parts)
  const guessed = await fetchRaw(relay.url, path, { method: 'POST', headers: BYTES, body })
  expect(guessed.status).toBe(200)
  expect(await inviting.line('stderr', '"refused"')).toContain('"wrong-secret"')
  const { code, stderr } = await inviting.stop('SIGINT')
  expect(code).toBe(1)
  expect(stderr).toContain('"stopped"')
  await expect(enrolled(invitation, key.signer)).rejects.toMatchObject({ code: 'ended' })
})

test('who is not above the relay, and has no grant, cannot use it for invitations', async () => {
  const [address = ''] = relay.node.addresses
  const { code, stderr } = await programs.run([
    'agent',
    'invite',
    'a.stranger.acme.example',
    '--by',
    'stranger.acme.example',

    '--through',
    RELAY,
    '--connect',
    address,
    '--page',
    'https://relay1.acme.example',
    '--json',
  ])
  expect(code).toBe(1)
  expect(stderr).not.toContain('"invited"')
})

test('a relay takes claims as they are, and nothing else', async () => {
  const path = `/invitations/${'0'.repeat(32)}`
  const ask = (asking: object) =>
    fetchRaw(relay.url, path, { method: 'POST', headers: BYTES, ...asking })
  expect((await ask({ body: new Uint8Array(8) })).status).toBe(404)
  expect((await ask({ body: new Uint8Array(2_000) })).status).toBe(413)
  expect((await ask({ headers: {} })).status).toBe(415)
  expect((await ask({ method: 'GET' })).status).toBe(405)
  const may = await ask({ method: 'OPTIONS' })
  expect([may.status, may.headers['access-control-allow-origin']]).toEqual([204, '*'])
  expect((await fetchRaw(relay.url, '/invitations/..%2f')).status).toBe(404)
})

test('the link leads to a page over TLS, or on this machine', async () => {
  const { code, stderr } = await programs.run([
    'agent',
    'invite',
    SAM,
    '--by',
    'acme.example',
    '--through',
    RELAY,
    '--connect',
    '/ip4/127.0.0.1/tcp/1',
    '--page',
    'http://relay1.acme.example',
  ])
  expect([code, stderr]).toEqual([2, expect.stringContaining('it is a URL with https') as string])
})
