import { execFile } from 'node:child_process'
import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { TYPE, type DnsRecord } from '@ixj/dns'
import { anchorLine } from './anchors.ts'
import { ask } from './ask.ts'
import { type RunningServer, startServer } from './server-process.ts'

/** Where Unbound asks for a zone and all below it. */
export interface Stub {
  readonly zone: string
  readonly port: number
}

/** What an Unbound resolver is to do. */
export interface UnboundOptions {
  /** DNSKEY or DS records that it trusts. */
  readonly anchors?: readonly DnsRecord[]
  readonly stubs: readonly Stub[]
  /** Answers over TLS too, on {@link UnboundServer.tlsPort}. */
  readonly tls?: boolean
  /** Answers over HTTPS (HTTP/2) too, on {@link UnboundServer.httpsPort}. */
  readonly https?: boolean
  /** The name in its certificate; default `resolver.test`. */
  readonly serverName?: string
  /** Lines added to the `server:` section. */
  readonly moreOptions?: readonly string[]
}

/** A running Unbound. */
export interface UnboundServer extends RunningServer {
  readonly tlsPort: number
  readonly httpsPort: number
  readonly serverName: string
  /** Its certificate, PEM, which signs itself; empty without `tls` and `https`. */
  readonly certificate: string
}

/** Starts Unbound as a validating resolver that asks the stubs alone, never the Internet. */
export async function startUnbound(options: UnboundOptions): Promise<UnboundServer> {
  const serverName = options.serverName ?? 'resolver.test'
  const encrypted = options.tls === true || options.https === true
  const identity = encrypted ? await newCertificate(serverName) : { key: '', certificate: '' }
  let ports: readonly number[] = []
  const server = await startServer({
    program: 'unbound',
    morePorts: 2,
    files: (folder, found) => {
      ports = found
      return {
        'unbound.conf': configuration(options, folder, found),
        anchors: (options.anchors ?? []).map((anchor) => `${anchorLine(anchor)}\n`).join(''),
        'server.key': identity.key,
        'server.pem': identity.certificate,
      }
    },
    args: (folder) => ['-d', '-p', '-c', `${folder}/unbound.conf`],
    // It answers for localhost by itself.
    ready: async (port) => {
      const asking = { port, name: 'localhost', type: TYPE.A, recursionDesired: true, waitMs: 500 }
      return (await ask(asking)).answers.length > 0
    },
  })
  return Object.assign(server, {
    tlsPort: ports[1]!,
    httpsPort: ports[2]!,
    serverName,
    certificate: identity.certificate,
  })
}

function configuration(
  options: UnboundOptions,
  folder: string,
  [port, tlsPort, httpsPort]: readonly number[],
): string {
  const { anchors = [], stubs, tls = false, https = false, moreOptions = [] } = options
  const encrypted = [
    `tls-service-key: "${folder}/server.key"`,
    `tls-service-pem: "${folder}/server.pem"`,
    ...(tls ? [`interface: 127.0.0.1@${tlsPort}`, `tls-port: ${tlsPort}`] : []),
    ...(https ? [`interface: 127.0.0.1@${httpsPort}`, `https-port: ${httpsPort}`] : []),
  ]
  const lines = [
    ...(tls || https ? encrypted : []),
    ...(anchors.length > 0 ? [`trust-anchor-file: "${folder}/anchors"`] : []),
    // Zones for local use, such as "test.", are empty here unless they are named so.
    ...stubs.map(({ zone }) => `local-zone: "${dotted(topOf(zone))}" nodefault`),
    ...moreOptions,
  ]
  const asked = stubs.some(({ zone }) => zone === '.')
    ? stubs
    : [...stubs, { zone: '.', port: stubs[0]?.port ?? 9 }]
  return `
server:
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: "${folder}/unbound.pid"
  logfile: ""
  use-syslog: no
  verbosity: 1
  val-log-level: 2
  ede: yes
  interface: 127.0.0.1@${port}
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  cache-min-ttl: 0
  cache-max-negative-ttl: 5
  num-threads: 1
  ${lines.join('\n  ')}
remote-control:
  control-enable: no
${asked.map((stub) => stubBlock(stub)).join('')}
`
}

function topOf(zone: string): string {
  return zone.slice(zone.lastIndexOf('.') + 1)
}

function dotted(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}

function stubBlock({ zone, port }: Stub): string {
  return `stub-zone:\n  name: "${dotted(zone)}"\n  stub-addr: 127.0.0.1@${port}\n`
}

/** A certificate for a name and 127.0.0.1 that signs itself, P-256. */
export async function newCertificate(name: string): Promise<{ key: string; certificate: string }> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-certificate-'))
  const [key, certificate] = [join(folder.path, 'key'), join(folder.path, 'pem')]
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
  const files = ['-keyout', key, '-out', certificate, '-subj', `/CN=${name}`]
  const names = ['-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`]
  await promisify(execFile)('openssl', [...words.split(' '), ...files, ...names])
  return { key: await readFile(key, 'utf8'), certificate: await readFile(certificate, 'utf8') }
}
