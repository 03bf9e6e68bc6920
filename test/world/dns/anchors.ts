import { ENTRY_POINT, readDnskey, readDs, TYPE, type DnsRecord } from '@ixj/dns'
import { ask } from './ask.ts'

/** The keys of a zone that its server calls entry points: what an owner would publish as anchors. */
export async function zoneKeys(server: { port: number }, zone: string): Promise<DnsRecord[]> {
  const answer = await ask({ port: server.port, name: zone, type: TYPE.DNSKEY, tcp: true })
  return answer.answers.filter(
    ({ type, data }) => type === TYPE.DNSKEY && (readDnskey(data).flags & ENTRY_POINT) !== 0,
  )
}

/** An anchor as one line of a zone file, which Unbound's `trust-anchor-file` takes. */
export function anchorLine(anchor: DnsRecord): string {
  const owner = anchor.name === '.' ? '.' : `${anchor.name}.`
  return `${owner} ${anchor.ttl} IN ${anchorFields(anchor).join(' ')}`
}

/** Anchors as delv and named take them. */
export function trustAnchors(anchors: readonly DnsRecord[]): string {
  const lines = anchors.map((anchor) => {
    const [type, first, second, third, last] = anchorFields(anchor)
    const kind = type === 'DS' ? 'static-ds' : 'static-key'
    return `  "${anchor.name}" ${kind} ${first} ${second} ${third} "${last}";`
  })
  return `trust-anchors {\n${lines.join('\n')}\n};\n`
}

function anchorFields(anchor: DnsRecord): readonly string[] {
  if (anchor.type === TYPE.DS) {
    const ds = readDs(anchor.data)
    const digest = Buffer.from(ds.digest).toString('hex')
    return ['DS', `${ds.keyTag}`, `${ds.algorithm}`, `${ds.digestType}`, digest]
  }
  const key = readDnskey(anchor.data)
  const publicKey = Buffer.from(key.publicKey).toString('base64')
  return ['DNSKEY', `${key.flags}`, `${key.protocol}`, `${key.algorithm}`, publicKey]
}
