import { equalBytes, type PublishedKey } from '@ixj/trust'

/** What the records of a name say of this key; undefined if they leave it out. */
export function claimIn(
  records: { readonly keys: readonly PublishedKey[] },
  key: PublishedKey,
): PublishedKey | undefined {
  return records.keys.find((other) => equalBytes(other.key, key.key))
}

/** Whether two records say the same of one key; how long they hold is not looked at. */
export function isSameClaim(one: PublishedKey, other: PublishedKey): boolean {
  return (
    one.uses === other.uses &&
    one.depth === other.depth &&
    one.strict === other.strict &&
    one.zone === other.zone &&
    one.notBefore === other.notBefore &&
    isSameField(one.encryptionKey, other.encryptionKey) &&
    isSameField(one.next, other.next) &&
    one.hosts.length === other.hosts.length &&
    one.hosts.every((host) => other.hosts.includes(host))
  )
}

function isSameField(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return one === null || other === null ? one === other : equalBytes(one, other)
}
