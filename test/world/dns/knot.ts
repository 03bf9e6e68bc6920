import type { TsigKey } from '@ixj/dns'
import { answersFor } from './ask.ts'
import type { SigningAlgorithm } from './bind.ts'
import { type RunningServer, startServer } from './server-process.ts'
import { newTsigKey, secretText } from './tsig-secret.ts'

/** One zone of a Knot server. */
export interface KnotZone {
  readonly name: string
  /** Zone-file text, `$ORIGIN` is the zone. */
  readonly text: string
  /** `online` signs each answer (default), `stored` signs the zone, `none` signs nothing. */
  readonly signing?: 'online' | 'stored' | 'none'
  /** Default: ed25519. */
  readonly algorithm?: Exclude<SigningAlgorithm, 'rsasha256'>
  /** With `stored` alone. */
  readonly nsec3?: boolean
  /** With `nsec3` alone. */
  readonly optOut?: boolean
  /** Types that updates may touch; default: any. */
  readonly updateTypes?: readonly string[]
}

/** What a Knot server is to do. */
export interface KnotOptions {
  readonly zones: readonly KnotZone[]
  /** Who may update and transfer; default: one fresh key `ourtool`. */
  readonly keys?: readonly TsigKey[]
}

/** A running Knot. */
export interface KnotServer extends RunningServer {
  readonly keys: readonly TsigKey[]
  /** The first of its keys. */
  readonly key: TsigKey
}

/** Starts Knot as a primary that signs with one Ed25519 key a zone. */
export async function startKnot(options: KnotOptions): Promise<KnotServer> {
  const keys = options.keys ?? [newTsigKey('ourtool')]
  const server = await startServer({
    program: 'knotd',
    files: (folder, [port]) => ({
      'run/': '',
      'db/': '',
      'knot.conf': configuration({ zones: options.zones, keys, folder, port: port! }),
      ...Object.fromEntries(options.zones.map(({ name, text }) => [`zones/${name}.zone`, text])),
    }),
    args: (folder) => ['-c', `${folder}/knot.conf`],
    ready: async (port) => {
      const all = options.zones.map((zone) => answersFor(port, zone.name, zone.signing !== 'none'))
      return (await Promise.all(all)).every(Boolean)
    },
  })
  return Object.assign(server, { keys, key: keys[0]! })
}

function configuration(plan: {
  readonly zones: readonly KnotZone[]
  readonly keys: readonly TsigKey[]
  readonly folder: string
  readonly port: number
}): string {
  const { folder, keys, port, zones } = plan
  const names = keys.map(({ name }) => name).join(', ')
  return `
server:
    listen: [ 127.0.0.1@${port} ]
    rundir: "${folder}/run"
    automatic-acl: off
    udp-workers: 1
    tcp-workers: 2
    background-workers: 1
database:
    storage: "${folder}/db"
log:
  - target: stderr
    any: info
key:
${keys.map(keyItem).join('')}
acl:
  - id: transfer
    key: [ ${names} ]
    action: transfer
${zones.map((zone, index) => aclItem(zone, index, names)).join('')}
policy:
${zones.map((zone, index) => policyItem(zone, index)).join('')}
${zones.some(isOnline) ? 'mod-onlinesign:' : ''}
${zones.map((zone, index) => (isOnline(zone) ? moduleItem(index) : '')).join('')}
template:
  - id: default
    storage: "${folder}/zones"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: changes
    semantic-checks: on
zone:
${zones.map((zone, index) => zoneItem(zone, index)).join('')}
`
}

function isOnline(zone: KnotZone): boolean {
  return zone.signing === undefined || zone.signing === 'online'
}

function keyItem(key: TsigKey): string {
  return `
  - id: ${key.name}
    algorithm: ${key.algorithm}
    secret: ${secretText(key)}
`
}

function aclItem(zone: KnotZone, index: number, names: string): string {
  const types = zone.updateTypes
  return `
  - id: update${index}
    key: [ ${names} ]
    action: update
    ${types === undefined ? '' : `update-type: [ ${types.join(', ')} ]`}
`
}

function policyItem(zone: KnotZone, index: number): string {
  const nsec3 = zone.nsec3 === true
  return `
  - id: policy${index}
    algorithm: ${zone.algorithm ?? 'ed25519'}
    single-type-signing: on
    ksk-lifetime: 0
    rrsig-lifetime: 4h
    propagation-delay: 5m
    rrsig-refresh: 2h
    rrsig-pre-refresh: 30m
    dnskey-ttl: 300
    nsec3: ${nsec3 ? 'on' : 'off'}
    ${nsec3 ? 'nsec3-iterations: 0' : ''}
    ${nsec3 ? 'nsec3-salt-length: 0' : ''}
    ${nsec3 && zone.optOut === true ? 'nsec3-opt-out: on' : ''}
`
}

function moduleItem(index: number): string {
  return `
  - id: online${index}
    policy: policy${index}
`
}

function zoneItem(zone: KnotZone, index: number): string {
  const stored = `dnssec-signing: on\n    dnssec-policy: policy${index}`
  return `
  - domain: ${zone.name}
    file: ${zone.name}.zone
    acl: [ update${index}, transfer ]
    ${isOnline(zone) ? `module: mod-onlinesign/online${index}` : ''}
    ${zone.signing === 'stored' ? stored : ''}
`
}
