import { DnsError, type DnsName, isAtOrBelowName, labelCount, parseDnsName } from '../proof.ts'

/** What one key may change by update messages: several for one key add up. */
export interface UpdatePolicy {
  /** The name of its TSIG key. */
  readonly key: DnsName
  /** The one zone that it may change; each of the server's, if left out. */
  readonly zone?: DnsName
  /** Names: `a.example` is exact, `*.a.example` one more label, `**.a.example` one or more. */
  readonly names: readonly string[]
  /** Record types; all, if left out. */
  readonly types?: readonly number[]
}

/** What is allowed to whoever signed a message. */
export interface UpdateRights {
  /** Whether records of this type of the name may be changed in the zone; without a type, any. */
  allows(zone: DnsName, name: DnsName, type: number | undefined): boolean
}

interface Rule {
  readonly zone: DnsName | undefined
  readonly names: ReadonlyArray<(name: DnsName) => boolean>
  readonly types: ReadonlySet<number> | undefined
}

/** The rights of every key by its name. @throws DnsError `name` for a pattern of no such form */
export function rightsByKey(policies: readonly UpdatePolicy[]): ReadonlyMap<DnsName, UpdateRights> {
  const rules = new Map<DnsName, Rule[]>()
  for (const { key, zone, names, types } of policies) {
    const rule = {
      zone,
      names: names.map(matcher),
      types: types === undefined ? undefined : new Set(types),
    }
    rules.set(key, [...(rules.get(key) ?? []), rule])
  }
  return new Map([...rules].map(([key, its]) => [key, { allows: anyAllows(its) }]))
}

function anyAllows(rules: readonly Rule[]): UpdateRights['allows'] {
  return (zone, name, type) =>
    rules.some(
      ({ zone: only, names, types }) =>
        (only === undefined || only === zone) &&
        (type === undefined || types === undefined || types.has(type)) &&
        names.some((matches) => matches(name)),
    )
}

function matcher(pattern: string): (name: DnsName) => boolean {
  const [front = ''] = /^\*{1,2}\./.exec(pattern) ?? []
  const base = parseDnsName(pattern.slice(front.length))
  if (pattern.slice(front.length).includes('*') || base === '.') {
    throw new DnsError('name', `Cannot read pattern ${JSON.stringify(pattern.slice(0, 80))}`)
  }
  if (front === '') return (name) => name === base
  const more = labelCount(base) + 1
  if (front === '*.') return (name) => labelCount(name) === more && isAtOrBelowName(name, base)
  return (name) => name !== base && isAtOrBelowName(name, base)
}
