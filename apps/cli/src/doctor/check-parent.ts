import {
  type DnsName,
  type DnsRecord,
  dsOf,
  readDs,
  type Resolution,
  type Resolver,
  TYPE,
} from '@ixj/dns'
import { toHex } from '@ixj/trust'
import { zoneKeyText } from '../anchors.ts'
import { checkDelegation } from './check-delegation.ts'
import {
  type Examination,
  type ExaminedZone,
  type Finding,
  type Findings,
  note,
  well,
  wrong,
} from './finding.ts'

/** The zone above may be out of reach, as in a laboratory: nobody waits longer for it. */
const PARENT_MS_MAX = 5_000

/** Whether the zone above names the key and the servers that the zone has. */
export async function* checkParent(
  examination: Examination,
  { zone, isSecure }: ExaminedZone,
): Findings {
  if (!isSecure) return
  const { resolver } = examination
  const keys = await resolver.resolve(zone, TYPE.DNSKEY)
  if (keys.state !== 'secure' || keys.answer !== 'positive') return
  const parent = await askParent(resolver, zone)
  const remedy = `give it the DS of the zone: ixj zone export ${zone} --as ds`
  if (parent === undefined) {
    yield note('parent', zone, {
      text: 'the zone above could not be asked for its DS, so only its anchor was looked at',
      remedy: 'if the zone is to be found from the root, run this where the zone above is reached',
    })
    return
  }
  yield* checkDelegation(examination, zone)
  if (parent.length === 0) {
    const text = 'the zone above has no DS of it, so only who holds its anchor can check it'
    yield note('parent', zone, { text, remedy })
    return
  }
  yield compareKeys(zone, parent, keys.records)
  yield* compareWishes(zone, parent, await resolver.resolve(zone, TYPE.CDS))
}

/** The DS records of the zone above; undefined if it could not be asked. */
async function askParent(
  resolver: Resolver,
  zone: DnsName,
): Promise<readonly DnsRecord[] | undefined> {
  const signal = AbortSignal.timeout(PARENT_MS_MAX)
  try {
    const found = await resolver.resolve(zone, TYPE.DS, { signal })
    const isUsable = found.state === 'secure' || found.state === 'insecure'
    return isUsable ? found.records.filter(({ type }) => type === TYPE.DS) : undefined
  } catch (cause) {
    if (signal.aborted) return undefined
    throw cause
  }
}

function compareKeys(
  zone: DnsName,
  parent: readonly DnsRecord[],
  keys: readonly DnsRecord[],
): Finding {
  const made = keys.flatMap((key) => [dsOf(key)].map(dsText))
  const fit = parent.filter((ds) => made.includes(dsText(ds)) || isOtherDigest(ds, keys))
  const [first] = fit
  if (first !== undefined) {
    return well('parent', zone, `the zone above names its key: ${zoneKeyText(first)}`)
  }
  const named = parent.map((ds) => zoneKeyText(ds)).join(', ')
  return wrong('parent', zone, {
    text: `the zone above names ${named}, and the zone has no such key`,
    remedy: `replace the DS in the zone above: ixj zone export ${zone} --as ds`,
  })
}

/** A digest that is not computed here is compared by the key's tag. */
function isOtherDigest(ds: DnsRecord, keys: readonly DnsRecord[]): boolean {
  const { digestType, keyTag } = readDs(ds.data)
  return digestType !== 2 && keys.some((key) => readDs(dsOf(key).data).keyTag === keyTag)
}

/** What the zone asks the zone above to publish (RFC 7344). */
function* compareWishes(
  zone: DnsName,
  parent: readonly DnsRecord[],
  wishes: Resolution,
): Generator<Finding> {
  if (wishes.state !== 'secure' || wishes.answer !== 'positive') return
  const has = new Set(parent.map(dsText))
  const missing = wishes.records.filter((cds) => !has.has(dsText(cds)))
  if (missing.length === 0) return
  yield note('parent', zone, {
    text: `it asks the zone above for ${missing.length} DS that are not there (CDS)`,
    remedy: `give them to the zone above: ixj zone export ${zone} --as ds`,
  })
}

/** CDS has the form of DS (RFC 7344 section 3.1). */
function dsText({ data }: DnsRecord): string {
  return toHex(data)
}
