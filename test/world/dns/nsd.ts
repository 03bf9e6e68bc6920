import { TYPE, type TsigKey } from '@ixj/dns'
import { ask } from './ask.ts'
import { type RunningServer, startServer } from './server-process.ts'
import { secretText } from './tsig-secret.ts'

/** A zone that NSD copies from a primary on 127.0.0.1. */
export interface NsdZone {
  readonly name: string
  readonly primaryPort: number
  readonly key: TsigKey
}

/** What an NSD server is to do. */
export interface NsdOptions {
  readonly zones: readonly NsdZone[]
  /** Whether to wait until all zones have come; default: true. */
  readonly waitForZones?: boolean
}

/** Starts NSD as a secondary: it fetches its zones by AXFR with TSIG. */
export async function startNsd(options: NsdOptions): Promise<RunningServer> {
  const { zones, waitForZones = true } = options
  return await startServer({
    program: 'nsd',
    files: (folder, [port]) => ({ 'nsd.conf': configuration(zones, folder, port!) }),
    args: (folder) => ['-d', '-c', `${folder}/nsd.conf`],
    ready: async (port) => {
      const asked = zones.map(({ name }) => ask({ port, name, type: TYPE.SOA, waitMs: 500 }))
      const answers = await Promise.all(asked)
      return answers.every(({ answers: records }) => !waitForZones || records.length > 0)
    },
  })
}

function configuration(zones: readonly NsdZone[], folder: string, port: number): string {
  const keys = new Map(zones.map(({ key }) => [key.name, key]))
  return `
server:
  ip-address: 127.0.0.1@${port}
  username: ""
  chroot: ""
  server-count: 1
  verbosity: 2
  database: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
${[...keys.values()].map(keyBlock).join('')}
${zones.map(zoneBlock).join('')}
`
}

function keyBlock(key: TsigKey): string {
  return `
key:
  name: "${key.name}"
  algorithm: ${key.algorithm}
  secret: "${secretText(key)}"
`
}

function zoneBlock({ name, primaryPort, key }: NsdZone): string {
  return `
zone:
  name: "${name}"
  zonefile: "${name}.zone"
  request-xfr: AXFR 127.0.0.1@${primaryPort} "${key.name}"
  allow-notify: 127.0.0.1 "${key.name}"
  allow-notify: 127.0.0.1 NOKEY
  min-retry-time: 1
  max-retry-time: 1
`
}
