import { join } from 'node:path'
import type { Store } from '@ixj/agent'
import { fromBase64url, toBase64url, toHex, TrustError, utf8Bytes } from '@ixj/trust'
import { nodeSha256 } from '../node-keys.ts'
import { makeFolder, OTHERS_MAY_WRITE, readBounded, replaceFile } from './file.ts'
import { HomeError } from './home-error.ts'
import { formatFile, malformed, parseFile, readString } from './json-text.ts'
import { STORED_FILE_BYTES_MAX, STORED_KEY_MAX, STORED_VALUE_BYTES_MAX } from './limits.ts'

const VERSION = 1

/**
 * What a node remembers, one small file a key: JSON with `version` 1, `key` and `value` (base64url),
 * named by the SHA-256 of the key. `set` costs two fsyncs, and one write waits for the other.
 */
export class FileStore implements Store {
  readonly #folder: string
  #last: Promise<void> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @throws HomeError `malformed`, `too-large`, `unsafe-mode`, `file`: a lost value is no absent one */
  async get(key: string): Promise<Uint8Array | undefined> {
    const path = this.#path(key)
    const rules = { bytesMax: STORED_FILE_BYTES_MAX, forbidden: OTHERS_MAY_WRITE }
    const bytes = await readBounded(path, rules)
    if (bytes === undefined) return undefined
    const file = parseFile(bytes, path, { version: VERSION, members: ['key', 'value'] })
    if (file['key'] !== key) throw malformed(path, 'it holds the value of another key')
    return decodeValue(readString(file['value'], `value in ${path}`), path)
  }

  /** @throws HomeError `too-large`, `file` */
  async set(key: string, value: Uint8Array): Promise<void> {
    if (key.length > STORED_KEY_MAX || value.length > STORED_VALUE_BYTES_MAX) {
      const size = `key of ${key.length} characters, limit ${STORED_KEY_MAX}; value of ${value.length} bytes, limit ${STORED_VALUE_BYTES_MAX}`
      throw new HomeError('too-large', `Cannot remember a value: ${size}`)
    }
    const text = formatFile({ version: VERSION, key, value: toBase64url(value) })
    // In the order of the calls, so that the last one is what stays.
    const write = this.#write(this.#path(key), text, this.#last)
    this.#last = write.catch(() => {
      // The caller is told; the next write has nothing to do with it.
    })
    await write
  }

  async #write(path: string, text: string, before: Promise<void>): Promise<void> {
    await before
    await makeFolder(this.#folder)
    await replaceFile(path, text)
  }

  #path(key: string): string {
    return join(this.#folder, `${toHex(nodeSha256(utf8Bytes(key)))}.json`)
  }
}

function decodeValue(text: string, path: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw malformed(path, 'its value is not base64url', { cause })
  }
}
