import { once } from 'node:events'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newCertificate } from '../../../test/world/dns/unbound.ts'
import type { Relay } from '../src/relay.ts'
import { CertificateFiles } from '../src/tls/certificate-files.ts'
import { fetchRaw, openRelayBench, RELAY, type RelayBench } from './relay-bench.ts'

let bench: RelayBench
let relay: Relay
let files: { readonly key: string; readonly certificate: string; readonly pem: string }

beforeAll(async () => {
  bench = await openRelayBench()
  files = await bench.certificate()
  relay = await bench.relay({ 'tls.key': files.key, 'tls.certificate': files.certificate })
})
afterAll(() => bench[Symbol.asyncDispose]())

/** The fingerprint of the certificate that new connections get. */
async function shown(): Promise<string> {
  const socket = connect({
    host: '127.0.0.1',
    port: Number(new URL(relay.url).port),
    servername: RELAY,
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

/** Renewed as tools do it: a new file takes the place of the old one. */
async function put(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content)
  await rename(`${path}.new`, path)
}

test('pages reach it over TLS alone', async () => {
  expect((await fetchRaw(relay.url, '/healthz', { authority: files.pem })).status).toBe(200)
  await expect(fetchRaw(relay.url.replace('https', 'http'), '/healthz')).rejects.toThrow(
    'socket hang up',
  )
})

test('a certificate that changes on the disk is what new connections get, without a signal', async () => {
  const before = await shown()
  const { key, certificate } = await newCertificate(RELAY)
  const after = bench.log.length
  await put(files.key, key)
  await put(files.certificate, certificate)
  const told = await bench.logged({ event: 'certificate', msg: 'certificate loaded' }, after)
  expect(told['fingerprint']).toBe(await shown())
  expect(await shown()).not.toBe(before)
})

test.each([
  [
    'a certificate of another key',
    async () => (await newCertificate(RELAY)).certificate,
    'it does not fit the certificate',
  ],
  [
    'half a file',
    async () => (await newCertificate(RELAY)).certificate.slice(0, 200),
    'it holds no certificate',
  ],
  ['nothing', () => Promise.resolve(''), 'it holds no certificate'],
])('%s is told, and the old certificate goes on', async (_, bad, reason) => {
  const before = await shown()
  const good = await readFile(files.certificate, 'utf8')
  await put(files.certificate, await bad())
  const after = bench.log.length
  await relay.reload()
  expect(await bench.logged({ event: 'certificate', code: 'certificate' }, after)).toMatchObject({
    msg: expect.stringMatching(new RegExp(`${reason}.*; the old one goes on$`)) as string,
  })
  expect(await shown()).toBe(before)
  await put(files.certificate, good)
})

test('a certificate that has ended is not taken', async () => {
  const opening = CertificateFiles.open({
    keyPath: files.key,
    certificatePath: files.certificate,
    now: () => Date.now() + 3 * 24 * 3_600_000,
    changed: () => undefined,
  })
  await expect(opening).rejects.toThrow(/^Cannot use .*: it ended at 20/)
})

test('a relay does not open without files that fit', async () => {
  await using other = await openRelayBench()
  const flags = { 'tls.key': '/nowhere/key.pem', 'tls.certificate': files.certificate }
  await expect(other.relay(flags)).rejects.toMatchObject({
    code: 'certificate',
    message: 'Cannot read /nowhere/key.pem: ENOENT',
  })
})
