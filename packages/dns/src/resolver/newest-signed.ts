import { compareBytes, concatBytes, sha256, toBase64url } from '@ixj/trust'
import type { Secure } from '../proof.ts'
import { LeastRecent } from './least-recent.ts'
import { NEWEST_MAX } from './limits.ts'

interface Newest {
  /** ms since the Unix epoch. */
  readonly signedAt: number
  readonly content: string
}

/**
 * The newest signature that was seen for each name and type. A removed key stays signed until its
 * signature ends, so somebody between could play the old answer again: it does not count any more
 * once a newer one was seen. An older signature over the same content harms nobody: secondary
 * servers and caches lag.
 */
export class NewestSigned {
  readonly #entries = new LeastRecent<Newest>(NEWEST_MAX)

  /** Takes note of an answer; false if it is older than one that said something else. */
  admit(secure: Secure, type: number): boolean {
    const key = `${secure.name} ${type}`
    const content = contentOf(secure)
    const before = this.#entries.get(key)
    if (before !== undefined && secure.signedAt < before.signedAt) {
      return content === before.content
    }
    this.#entries.set(key, { signedAt: secure.signedAt, content })
    return true
  }
}

/** Absence is one content, however it was denied. */
function contentOf({ records }: Secure): string {
  if (records.length === 0) return ''
  const sorted = records.map(({ data }) => data).toSorted(compareBytes)
  return toBase64url(sha256(concatBytes(...sorted.map((data) => sha256(data)))))
}
