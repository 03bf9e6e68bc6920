import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseDnsName, readTsigKey, toBase64, type TsigKey } from '@ixj/dns'
import type { Name } from '@ixj/names'
import { CommandError } from '../command-error.ts'

const SECRET_BYTES = 32

/** A new key of a zone that is served here, for the home's own tools and whoever is given it. */
export function makeUpdateKey(zone: Name): TsigKey {
  const secret = Uint8Array.from(randomBytes(SECRET_BYTES))
  return { name: parseDnsName(`update.${zone}`), algorithm: 'hmac-sha256', secret }
}

/**
 * Writes a key into a file that must not be there, mode 0600, in the form of BIND's tsig-keygen: so
 * `nsupdate -k` and named take it as it is. @throws CommandError `file`
 */
export async function writeUpdateKey(path: string, key: TsigKey): Promise<void> {
  const { name, algorithm, secret } = key
  const lines = [
    `key "${name}" {`,
    `\talgorithm ${algorithm};`,
    `\tsecret "${toBase64(secret)}";`,
    '};',
  ]
  try {
    await writeFile(path, `${lines.join('\n')}\n`, { flag: 'wx', mode: 0o600, flush: true })
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    throw new CommandError('file', `Cannot write ${path}: ${code}`, { cause })
  }
}

/** Keys of files that were named on the command line. @throws DnsError `storage`, `unsupported` */
export async function readKeys(paths: readonly string[]): Promise<readonly TsigKey[]> {
  return await Promise.all(paths.map((path) => readTsigKey(path)))
}
