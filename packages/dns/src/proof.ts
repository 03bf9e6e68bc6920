export * from './proof/limits.ts'
export { DnsError, type DnsCode } from './proof/dns-error.ts'
export type { DnssecAlgorithm, DnssecCrypto } from './proof/crypto.ts'
export {
  below,
  compareNames,
  type DnsName,
  fromLabels,
  isAtOrBelowName,
  isDnsName,
  labelCount,
  labelsOf,
  lastLabels,
  parentOf,
  parseDnsName,
  ROOT,
  wireOfName,
} from './proof/wire/dns-name.ts'
export {
  CLASS,
  OPCODE,
  RCODE,
  rcodeName,
  TYPE,
  typeName,
  typeOfName,
} from './proof/wire/record-type.ts'
export { canonicalData, type DnsRecord, nameInData, sameRecord } from './proof/wire/record.ts'
export {
  decodeMessage,
  type Edns,
  type EdnsOption,
  EMPTY_MESSAGE,
  encodeMessage,
  type Message,
  peekHeader,
  type Question,
  type ReceivedTsig,
} from './proof/wire/message.ts'
export * from './proof/wire/rdata.ts'
export type {
  Asked,
  Bogus,
  BogusReason,
  Incomplete,
  Insecure,
  Resolution,
  Secure,
  Unreachable,
  Validation,
  ValidationContext,
  ValidationStep,
  ZoneAnchor,
} from './proof/dnssec/validation.ts'
export { signedData, signedLabels } from './proof/dnssec/canonical.ts'
export { dnskeyOf, dsOf, ED25519, type SignOptions, signRrset } from './proof/dnssec/sign-rrset.ts'
export { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './proof/text/address-text.ts'
export {
  fromBase16,
  fromBase32hex,
  fromBase64,
  toBase32hex,
  toBase64,
} from './proof/text/base-encodings.ts'
export { ZONE_TEXT_MAX, ZONE_TEXT_RECORDS_MAX } from './proof/text/limits.ts'
export {
  formatRecord,
  formatZone,
  parseRecord,
  parseZone,
  type ZoneTextOptions,
} from './proof/text/zone-text.ts'
export {
  jwkOf,
  type PublicJwk,
  RSA_BITS_MAX,
  RSA_BITS_MIN,
  RSA_EXPONENT_BITS_MAX,
} from './proof/dnssec/public-key.ts'
export { ROOT_ANCHOR } from './proof/dnssec/root-anchor.ts'
export {
  formatTrustAnchorsForDelv,
  formatZoneAnchors,
  parseZoneAnchors,
} from './proof/dnssec/anchor-text.ts'
export { unproven, validate } from './proof/dnssec/validate.ts'
export {
  CHAIN_AGE_MS_MAX,
  decodeChain,
  encodeChain,
  freshUntil,
  replaces,
  verifyChain,
} from './proof/chain/chain.ts'
export type { KeyRecord } from './proof/records/key-record.ts'
export * from './proof/records/limits.ts'
export {
  formatKeyRecord,
  type KeyReading,
  parseKeyRecord,
  readKeyRecord,
  writeKeyRecord,
} from './proof/records/key-record-text.ts'
export { keysOf, type NameKeys } from './proof/records/keys-of.ts'
export {
  type NameEndpoint,
  type NameEndpoints,
  readEndpoints,
  writeAlias,
  writeEndpoint,
} from './proof/records/endpoint.ts'
export { readDnsaddrs, writeDnsaddr } from './proof/records/dnsaddr.ts'
export { writeKeyMirror } from './proof/records/key-mirror.ts'
export {
  agentAliasOwner,
  dnsaddrOwner,
  endpointOwner,
  keyOwner,
  nameOfKeyOwner,
} from './proof/records/owner-name.ts'
export {
  joinChains,
  openNameProver,
  type ProvenKeys,
  PROVEN_NAMES_MAX,
  type ProvenRecords,
  zoneAnchorOf,
  zoneAnchorsOf,
} from './proof/records/prove-names.ts'
