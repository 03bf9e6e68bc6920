import type { TsigKey } from '@ixj/dns'
import { answersFor } from './ask.ts'
import { type RunningServer, startServer } from './server-process.ts'
import { newTsigKey, secretText } from './tsig-secret.ts'

/** Signing algorithms by the name that both BIND and Knot have for them. */
export type SigningAlgorithm = 'ed25519' | 'ecdsap256sha256' | 'rsasha256'

/** One zone of a BIND server. */
export interface BindZone {
  readonly name: string
  /** Zone-file text, `$ORIGIN` is the zone. */
  readonly text: string
  /** Default: true. */
  readonly signed?: boolean
  /** Default: ed25519. */
  readonly algorithm?: SigningAlgorithm
  /** A KSK and a ZSK instead of one key for both. */
  readonly splitKeys?: boolean
  readonly nsec3?: boolean
  readonly optOut?: boolean
  /** Lines of `update-policy`; default: the first key may change everything. */
  readonly updatePolicy?: readonly string[]
}

/** What a BIND server is to do. */
export interface BindOptions {
  readonly zones: readonly BindZone[]
  /** Who may update and transfer; default: one fresh key `ourtool`. */
  readonly keys?: readonly TsigKey[]
  /** Lines added to the `options` block. */
  readonly moreOptions?: readonly string[]
}

/** A running BIND. */
export interface BindServer extends RunningServer {
  readonly keys: readonly TsigKey[]
  /** The first of its keys. */
  readonly key: TsigKey
}

/** Starts BIND as a primary that signs online changes: no inline signing, one Ed25519 key a zone. */
export async function startBind(options: BindOptions): Promise<BindServer> {
  const keys = options.keys ?? [newTsigKey('ourtool')]
  const server = await startServer({
    program: 'named',
    files: (folder, [port]) => ({
      'keys/': '',
      'named.conf': configuration({ ...options, keys, folder, port: port! }),
      ...Object.fromEntries(options.zones.map(({ name, text }) => [fileOf(name), text])),
    }),
    args: (folder) => ['-4', '-g', '-n', '1', '-c', `${folder}/named.conf`],
    ready: async (port) => {
      const all = options.zones.map((zone) => answersFor(port, zone.name, zone.signed ?? true))
      return (await Promise.all(all)).every(Boolean)
    },
  })
  return Object.assign(server, { keys, key: keys[0]! })
}

function fileOf(zone: string): string {
  return `zones/${zone}.zone`
}

function configuration(
  options: BindOptions & {
    readonly keys: readonly TsigKey[]
    readonly folder: string
    readonly port: number
  },
): string {
  const { folder, keys, port, zones, moreOptions = [] } = options
  return `
options {
  directory "${folder}";
  pid-file "${folder}/named.pid";
  session-keyfile "${folder}/session.key";
  lock-file none;
  key-directory "${folder}/keys";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
  empty-zones-enable no;
  allow-query { 127.0.0.1; };
  allow-transfer { ${keys.map(({ name }) => `key "${name}";`).join(' ')} };
  notify no;
  minimal-responses yes;
  ${moreOptions.join('\n  ')}
};
controls { };
${keys.map(keyBlock).join('')}
${zones.map((zone, index) => policyBlock(zone, index)).join('')}
${zones.map((zone, index) => zoneBlock(zone, index, keys)).join('')}
`
}

function keyBlock(key: TsigKey): string {
  return `key "${key.name}" { algorithm ${key.algorithm}; secret "${secretText(key)}"; };\n`
}

function policyBlock(zone: BindZone, index: number): string {
  const algorithm = (zone.algorithm ?? 'ed25519').toUpperCase()
  const roles = zone.splitKeys === true ? ['ksk', 'zsk'] : ['csk']
  const keys = roles.map(
    (role) => `${role} key-directory lifetime unlimited algorithm ${algorithm};`,
  )
  const optOut = zone.optOut === true ? 'yes' : 'no'
  const nsec3 = `nsec3param iterations 0 optout ${optOut} salt-length 0;`
  return `
dnssec-policy "policy${index}" {
  keys { ${keys.join(' ')} };
  dnskey-ttl PT5M;
  max-zone-ttl PT1H;
  signatures-validity PT4H; signatures-jitter PT30M;
  signatures-validity-dnskey PT4H;
  signatures-refresh PT1H;
  publish-safety PT5M;
  retire-safety PT5M;
  ${zone.nsec3 === true ? nsec3 : ''}
};
`
}

function zoneBlock(zone: BindZone, index: number, keys: readonly TsigKey[]): string {
  const policy =
    zone.updatePolicy ?? keys.slice(0, 1).map(({ name }) => `grant ${name} zonesub ANY`)
  // Overlapping updates are lost with inline signing, so it is off by name.
  const signing =
    zone.signed === false ? '' : `dnssec-policy "policy${index}";\n  inline-signing no;`
  return `
zone "${zone.name}" {
  type primary;
  file "${fileOf(zone.name)}";
  ${signing}
  update-policy { ${policy.map((line) => `${line};`).join(' ')} };
};
`
}
