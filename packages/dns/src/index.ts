export * from './proof.ts'
export { DNSSEC_KEYS_MAX, nodeDnssecCrypto } from './crypto/node-crypto.ts'
export { rememberingCrypto, SIGNATURES_KEPT_MAX } from './crypto/remembering-crypto.ts'
export {
  signTsig,
  TSIG_FUDGE_SECONDS,
  type TsigAlgorithm,
  TsigFailure,
  type TsigKey,
  type TsigOptions,
  verifyTsig,
} from './tsig.ts'
export type { ZoneBackend, ZoneCondition, ZoneEdit } from './backend/zone-backend.ts'
export { type FileBackendOptions, openFileBackend } from './backend/file-backend.ts'
export { parseTsigKeys, readTsigKey } from './backend/read-tsig-key.ts'
export { openRfc2136Backend, type Rfc2136Options } from './backend/rfc2136-backend.ts'
export * from './update/limits.ts'
export type { Primary } from './update/primary.ts'
export { transferZone } from './update/transfer-client.ts'
export { sendUpdate, type ZoneUpdate } from './update/update-client.ts'
export type { Resolver, SecureNames, Upstream } from './resolver/resolver.ts'
export {
  openResolver,
  type ResolverCounts,
  type ResolverLimits,
  type ResolverOptions,
  type ValidatingResolver,
} from './resolver/open-resolver.ts'
export {
  BOGUS_TTL_SECONDS,
  CACHE_BYTES_MAX,
  CACHE_ENTRIES_MAX,
  FORWARD_MS_MAX,
  FORWARDED_MAX,
  INSECURE_TTL_SECONDS_MAX,
  LOOKUP_MS_MAX,
  LOOKUP_QUESTIONS_MAX,
  LOOKUPS_MAX,
  LOOKUPS_RUNNING_MAX,
  NEGATIVE_TTL_SECONDS_MAX,
  POSITIVE_TTL_SECONDS_MAX,
  SECURE_NAMES_MAX,
} from './resolver/limits.ts'
export type { RandomBytes } from './resolver/exchange.ts'
export { addressOf } from './resolver/referral.ts'
export { askServer } from './resolver/ask-server.ts'
export { type KeyChain, lookupKeyChain } from './resolver/key-chain.ts'
export {
  openSecureNames,
  type SecureNamesFile,
  SecureNamesInMemory,
} from './resolver/secure-names.ts'
export { systemUpstreams } from './resolver/upstreams.ts'
export { type ForwardCounts, type ForwardedZone, ZoneForwarder } from './resolver/zone-forwarder.ts'
export { createZone, type Nameserver, type NewZone } from './server/create-zone.ts'
export { type Delegation, delegationEdits } from './server/delegation.ts'
export type { ServerCounters } from './server/counters.ts'
export { answerOverHttp } from './server/https-exchange.ts'
export type { HttpsOptions } from './server/https-listener.ts'
export type { Secondary } from './server/notifier.ts'
export type { UpdatePolicy } from './server/update-policy.ts'
export {
  type Endpoint,
  openZoneServer,
  type ServerLimits,
  type ZoneServer,
  type ZoneServerOptions,
} from './server/zone-server.ts'
export { openZoneStore, type ZoneStore, type ZoneStoreOptions } from './server/zone-store.ts'
export { askPrimaryKeys } from './update/primary-keys.ts'
export * from './namespace/limits.ts'
export {
  type ChangeOptions,
  type NamespaceManager,
  type NamespaceOptions,
  openNamespace,
  type Published,
  type RenewOptions,
} from './namespace/namespace.ts'
export type { Places, Publication } from './namespace/publication.ts'
export type { RotateOptions } from './namespace/rotation.ts'
export type { RemovedKey } from './namespace/context.ts'
export type { EventsOptions, NamespaceEvent, NamespaceEvents } from './namespace/events.ts'
export type { ListedName, ListedSlice, NamespaceListing } from './namespace/listing.ts'
export type { Lease, LeaseStore, RecordSet, Rotation, Work } from './namespace/lease.ts'
export { type LeaseFile, type LeaseFileOptions, openLeaseFile } from './namespace/lease-file.ts'
export type { DelegateOptions } from './namespace/slice.ts'
export { acceptanceOf, formatAcceptance, parseAcceptance } from './namespace/acceptance.ts'
