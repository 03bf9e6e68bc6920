import {
  type BogusReason,
  isAtOrBelowName,
  parseDnsName,
  readSoa,
  type Resolution,
  type Secure,
  TYPE,
  type ZoneAnchor,
} from '@ixj/dns'
import { formatTime } from '@ixj/trust'
import { zoneKeyText } from '../anchors.ts'
import { printable } from '../output.ts'
import {
  type ExaminedZone,
  type Examination,
  type Finding,
  type Findings,
  note,
  spanText,
  well,
  wrong,
} from './finding.ts'

/** A name that was asked before it was made stays absent for this long: 5 s is felt already. */
const NEGATIVE_TTL_SECONDS_MAX = 5
/** A key that was removed can be proven until its signature ends. */
const SIGNATURE_SECONDS_MAX = 4 * 3_600
/** Clocks that nobody sets differ by a minute. */
const CLOCK_SECONDS_MIN = 60
/** A signature that ends this soon should have been made anew by now. */
const SIGNATURE_SECONDS_MIN = 300

/** What to do about an answer that contradicts the anchors. */
const REMEDIES: Readonly<Record<BogusReason, string>> = {
  unsigned: 'have its server sign the zone, or ask one that passes signatures on',
  expired: 'have its server sign the zone anew, and compare the clocks of both machines',
  'not-yet-valid': 'compare the clocks of both machines',
  'bad-signature': 'ask the zone’s own server (--server): somebody between may change answers',
  'wrong-signer': 'sign each zone with its own key alone',
  'no-key': 'the zone has another key than your anchor or the DS above names: ask its owner',
  'bad-denial': 'have its server sign the zone anew, or update the server',
  wildcard: 'take the wildcard out of the zone',
  alias: 'take the alias out of the zone',
  malformed: 'mend the record',
  budget: 'take keys and signatures out of the zone that are not needed',
  downgrade: 'if its owner has really ended signing: ixj trust forget NAME',
  replayed: 'ask the zone’s own server (--server): the one asked keeps old answers',
}

/** Whether an anchor covers the domain: without one, no key of it counts. */
export function checkAnchor({ domain, anchors, trust }: Examination): Finding {
  const name = parseDnsName(domain)
  const nearest = trust.for(domain)
  const zone = longest(anchors.filter((anchor) => isAtOrBelowName(name, anchor.zone)))
  if (nearest?.kind === 'key' && (zone === undefined || zone.zone.length < nearest.name.length)) {
    return note('anchor', domain, {
      text: `this home trusts ${nearest.name} by a key, so what the DNS says of it counts for nothing`,
      remedy: `ixj trust anchor remove ${nearest.name}; then add it with --zone`,
    })
  }
  if (zone === undefined) {
    return wrong('anchor', domain, {
      text: 'this home trusts no zone at or above it, so no key of it counts here',
      remedy: 'get its anchor from its owner: ixj trust anchor add NAME --zone FILE; or try --root',
    })
  }
  const keys = zone.records.map((record) => zoneKeyText(record)).join(', ')
  return well('anchor', domain, `covered by your anchor ${zone.zone}: ${keys}`)
}

function longest(anchors: readonly ZoneAnchor[]): ZoneAnchor | undefined {
  return anchors.toSorted((left, right) => right.zone.length - left.zone.length)[0]
}

/** Whether the zone of the domain answers, signed; and which zone that is. */
export async function* checkZone(examination: Examination): Findings<ExaminedZone> {
  const { domain, resolver, anchors } = examination
  const name = parseDnsName(domain)
  const found = await resolver.resolve(name, TYPE.SOA)
  if (found.state !== 'secure') {
    yield notSecure(domain, found, examination.now())
    const own = found.state === 'insecure' ? found.records[0]?.name : undefined
    const anchored = longest(anchors.filter(({ zone }) => isAtOrBelowName(name, zone)))?.zone
    return { zone: own ?? anchored ?? name, isSecure: false }
  }
  const { zone } = found
  const steps = found.steps.length
  const what = zone === name ? 'its answers are signed' : `it signs the answers for ${domain}`
  yield well('zone', zone, `${what}: ${steps} steps hold, from ${found.anchor}`)
  const soa = found.name === zone ? found : await resolver.resolve(zone, TYPE.SOA)
  if (soa.state === 'secure') {
    yield checkNegativeTtl(soa)
    yield checkClock(soa, examination.now())
  }
  return { zone, isSecure: true }
}

function notSecure(domain: string, found: Exclude<Resolution, Secure>, now: number): Finding {
  switch (found.state) {
    case 'insecure': {
      const { below } = found
      const reason =
        below === undefined
          ? 'it answers, and no anchor says whether that is true'
          : `${below} says that it is not signed below there`
      const remedy = 'sign the zone, and give the zone above its DS: ixj zone export ZONE --as ds'
      return wrong('zone', domain, { text: reason, remedy })
    }
    case 'bogus': {
      const isTime = found.reason === 'expired' || found.reason === 'not-yet-valid'
      const clock = isTime ? `; it is ${formatTime(now)} by this clock` : ''
      const what = `${found.reason}: ${printable(found.message)}${clock}`
      return wrong(isTime ? 'clock' : 'zone', domain, {
        text: `its answer contradicts your anchors, ${what}`,
        remedy: REMEDIES[found.reason],
      })
    }
    case 'unreachable':
      return wrong('zone', domain, {
        text: `no server answers: ${printable(found.message)}`,
        remedy: 'is its server running (ixj zone serve)? Another one is asked with --server',
      })
  }
}

function checkNegativeTtl({ zone, records }: Secure): Finding {
  const [soa] = records
  const seconds = soa === undefined ? 0 : Math.min(soa.ttl, readSoa(soa.data).minimum)
  if (seconds <= NEGATIVE_TTL_SECONDS_MAX) {
    return well('negative-ttl', zone, `a new name is seen after ${spanText(seconds)} at most`)
  }
  return note('negative-ttl', zone, {
    text: `a name that was asked before it was made is not seen for ${spanText(seconds)}`,
    remedy: `set the last field of its SOA to ${NEGATIVE_TTL_SECONDS_MAX} or less`,
  })
}

/** How far a clock may be behind before it takes fresh signatures for ones that have not begun. */
function checkClock({ zone, signedAt }: Secure, now: number): Finding {
  const seconds = (now - signedAt) / 1_000
  if (seconds >= CLOCK_SECONDS_MIN) {
    return well('clock', zone, `its newest signature began ${spanText(seconds)} ago by this clock`)
  }
  return note('clock', zone, {
    text: `its newest signature began ${spanText(seconds)} ago: clocks behind by more refuse it`,
    remedy: 'compare the clocks; date signatures back by an hour if the server can',
  })
}

/** Whether the signature of an answer ends soon enough, and not too soon. */
export function checkSignatureLife(what: string, { expiresAt }: Secure, now: number): Finding {
  const seconds = (expiresAt - now) / 1_000
  if (seconds > SIGNATURE_SECONDS_MAX) {
    return note('signature-life', what, {
      text: `a key that is removed can be proven for ${spanText(seconds)} more, until its signature ends`,
      remedy: 'sign for 4 hours: signatures-validity PT4H in BIND, rrsig-lifetime 4h in Knot',
    })
  }
  if (seconds < SIGNATURE_SECONDS_MIN) {
    return wrong('signature-life', what, {
      text: `its signature ends in ${spanText(seconds)}, and nobody has made a new one`,
      remedy: 'look at the server that signs the zone',
    })
  }
  const text = `its signature ends in ${spanText(seconds)}: a removed key is gone by then`
  return well('signature-life', what, text)
}
