import { isIP } from 'node:net'
import { type DnsName, parseDnsName, type ForwardedZone } from '@ixj/dns'
import { NameError, parseName, type Name } from '@ixj/names'
import { z } from 'zod'

/** Text, as flags and the environment give it, or the value itself, as a file may have it. */
const asNumber = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
const asList = (value: unknown): unknown =>
  typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value

/** A whole number in these bounds. */
export function wholeNumber(bounds: { readonly min: number; readonly max: number }) {
  const rule = `must be a whole number from ${bounds.min} to ${bounds.max}`
  const number = z
    .int({ error: rule })
    .min(bounds.min, { error: rule })
    .max(bounds.max, { error: rule })
  return z.preprocess(asNumber, number)
}

/** Yes or no. */
export const flagField = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean({ error: 'must be true or false' }),
)

/** Up to `itemsMax` texts, with commas between them in the environment. */
export function list<Item extends z.ZodType>(item: Item, itemsMax = 64) {
  const tooMany = `must have at most ${itemsMax} items`
  const array = z.array(item, { error: 'must be a list' }).max(itemsMax, { error: tooMany })
  return z.preprocess(asList, array)
}

/** A text that is not empty. */
export function text(rule = 'must be a text') {
  return z.string({ error: rule }).min(1, { error: rule })
}

/** A name in canonical form. */
export const nameField = text('must be a name').transform((value, context): Name => {
  try {
    return parseName(value)
  } catch (cause) {
    if (!(cause instanceof NameError)) throw cause
    context.addIssue({ code: 'custom', message: `must be a name: ${cause.message}` })
    return z.NEVER
  }
})

/** An IP address. */
export const addressField = text('must be an IP address').refine((value) => isIP(value) !== 0, {
  error: 'must be an IP address',
})

/**
 * An origin, as browsers send it: scheme, host, and a port that is not the scheme's own; `none` for
 * who sends none, `*` for any.
 */
export const originField = text('must be an origin').refine(isOrigin, {
  error: 'must be an origin, such as https://acme.example, none, or *',
})

function isOrigin(value: string): boolean {
  if (value === 'none' || value === '*') return true
  const url = URL.parse(value)
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === value
}

/** Where another relay takes pages. */
export const relayUrlField = text('must be a URL').refine(
  (value) => /^wss?:$/.test(URL.parse(value)?.protocol ?? ''),
  { error: 'must be a URL, such as wss://relay2.acme.example' },
)

/** A multiaddr over TCP. */
export const multiaddrField = text('must be a multiaddr').regex(
  /^\/(ip4|ip6|dns|dns4|dns6)\/[^/\s]+\/tcp\/\d{1,5}(\/p2p\/\w{1,128})?$/,
  { error: 'must be a multiaddr, such as /ip4/127.0.0.1/tcp/4001' },
)

const ZONE_RULE = 'must be ZONE=ADDRESS:PORT, such as acme.example=192.0.2.1:53'

/** A zone and the server that answers for it. */
export const zoneField = text(ZONE_RULE).transform((value, context): ForwardedZone => {
  const [, zoneText = '', bare, bracketed, portText = ''] =
    /^([^=\s]+)=(?:([\d.]+)|\[([^\]]+)\]):(\d{1,5})$/.exec(value) ?? []
  const address = bare ?? bracketed ?? ''
  const port = Number(portText)
  let zone: DnsName | undefined
  try {
    zone = parseDnsName(parseName(zoneText))
  } catch (cause) {
    if (!(cause instanceof NameError)) throw cause
  }
  if (zone === undefined || isIP(address) === 0 || port < 1 || port > 65_535) {
    context.addIssue({ code: 'custom', message: ZONE_RULE })
    return z.NEVER
  }
  return { zone, server: { address, port } }
})
