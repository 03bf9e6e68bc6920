import { parentOf, ROOT, type DnsName } from '../proof.ts'

/** A name, its parent, and so on up to the root. */
export function* namesUp(name: DnsName): Generator<DnsName> {
  for (let at = name; ; at = parentOf(at)) {
    yield at
    if (at === ROOT) return
  }
}
