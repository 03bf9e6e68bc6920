import { isName, type Name, parentName } from '@ixj/names'
import { DnsError } from '../dns-error.ts'
import { below, type DnsName, labelsOf, parseDnsName } from '../wire/dns-name.ts'

/**
 * Where the keys of a name stand: TXT at `_ixjkey.<name>`.
 * @throws DnsError `name` if the name is too long for a label in front of it
 */
export function keyOwner(name: Name): DnsName {
  return below('_ixjkey', parseDnsName(name))
}

/**
 * Where the endpoints of a name stand, and the mirror of its keys: SVCB and TLSA at `_ixj.<name>`.
 * @throws DnsError `name` if the name is too long for a label in front of it
 */
export function endpointOwner(name: Name): DnsName {
  return below('_ixj', parseDnsName(name))
}

/**
 * Where libp2p looks for the addresses of a name: TXT at `_dnsaddr.<name>`.
 * @throws DnsError `name` if the name is too long for a label in front of it
 */
export function dnsaddrOwner(name: Name): DnsName {
  return below('_dnsaddr', parseDnsName(name))
}

/**
 * Where DNS-AID looks for an agent: `_<label>._agents.<rest>` for the name `<label>.<rest>`.
 * @throws DnsError `name` if the name is too long, or has two labels: its parent is not its zone
 */
export function agentAliasOwner(name: Name): DnsName {
  const parent = parentName(name)
  if (parent === undefined) {
    throw new DnsError('name', `Cannot give "${name}" an alias: its parent is a top-level domain`)
  }
  const label = labelsOf(parseDnsName(name))[0]!
  return below(`_${label}`, below('_agents', parseDnsName(parent)))
}

/** The name whose keys stand at an owner `_ixjkey.<name>`; undefined for any other owner. */
export function nameOfKeyOwner(owner: DnsName): Name | undefined {
  const prefix = '_ixjkey.'
  const rest = owner.slice(prefix.length)
  return owner.startsWith(prefix) && isName(rest) ? rest : undefined
}
