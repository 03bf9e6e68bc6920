import { readFile, stat } from 'node:fs/promises'
import { DnsError, fromBase64, parseDnsName, type DnsName } from '../proof.ts'
import type { TsigAlgorithm, TsigKey } from '../tsig.ts'
import { KEY_FILE_BYTES_MAX } from './limits.ts'

/** RFC 8945 section 6 wants HMAC-SHA-256 of every server; shorter ones are not built. */
const algorithms: readonly string[] = [
  'hmac-sha256',
  'hmac-sha384',
  'hmac-sha512',
] satisfies readonly TsigAlgorithm[]

/** A secret of fewer bytes than half of the hash is guessed too soon. */
const SECRET_BYTES_MIN = 16
const OTHERS_MAY_READ = 0o004

/**
 * The key in a file that `tsig-keygen` or `keymgr -t` wrote; with `name`, the one of that name.
 * @throws DnsError `storage`: no such file, no such key, several of them, or everybody may read it;
 * `unsupported` for another algorithm
 */
export async function readTsigKey(
  file: string,
  options: { readonly name?: DnsName } = {},
): Promise<TsigKey> {
  const refuse = (why: string, cause?: unknown) =>
    new DnsError('storage', `Cannot read a key in ${file}: ${why}`, { cause })
  const text = await readSecret(file, refuse)
  const keys = parseTsigKeys(text).filter(({ name }) => name === (options.name ?? name))
  const [key] = keys
  if (key === undefined)
    throw refuse(options.name === undefined ? 'there is none' : `no ${options.name}`)
  if (keys.length > 1)
    throw refuse(`there are ${keys.length}: ${keys.map(({ name }) => name).join(', ')}`)
  return key
}

async function readSecret(
  file: string,
  refuse: (why: string, cause?: unknown) => DnsError,
): Promise<string> {
  try {
    const { mode, size } = await stat(file)
    if (size > KEY_FILE_BYTES_MAX) throw refuse(`${size} bytes, limit ${KEY_FILE_BYTES_MAX}`)
    if (process.platform !== 'win32' && (mode & OTHERS_MAY_READ) !== 0) {
      throw refuse(`everybody may read it; run: chmod o-rwx ${file}`)
    }
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof DnsError) throw cause
    throw refuse((cause as NodeJS.ErrnoException).code ?? 'unknown', cause)
  }
}

/**
 * All keys of a text, in BIND's form (`key "name" { algorithm …; secret "…"; };`) or in Knot's
 * (`key:` with `- id:`, `algorithm:`, `secret:`). Everything else in it is passed over.
 * @throws DnsError `storage` for a key that is not whole, `unsupported` for another algorithm
 */
export function parseTsigKeys(text: string): readonly TsigKey[] {
  // Slashes are digits of base64: inside of quotes, and in Knot's form anywhere, they are no comment.
  const inBindsForm = text.replaceAll(
    /("[^"\n]*")|\/\*[^]*?\*\/|(?:\/\/|#).*/g,
    (_, quoted: string | undefined) => quoted ?? ' ',
  )
  const inKnotsForm = text.replaceAll(/(^|\s)#.*/gm, '$1')
  const blocks = [...inBindsForm.matchAll(/\bkey\s+"?([^\s"{;]+)"?\s*\{([^{}]*)\}/g)]
  const bind = blocks.map(([, name = '', body = '']) => ({
    name,
    algorithm: /\balgorithm\s+"?([\w-]+)"?\s*;/.exec(body)?.[1],
    secret: /\bsecret\s+"?([\w+/=]+)"?\s*;/.exec(body)?.[1],
  }))
  const items = inKnotsForm.split(/^\s*-\s+(?=id:)/m).slice(1)
  const knot = items.map((item) => ({
    name: /^id:\s*"?([^\s"]+)/.exec(item)?.[1] ?? '',
    algorithm: /^\s*algorithm:\s*"?([\w-]+)/m.exec(item)?.[1],
    secret: /^\s*secret:\s*"?([\w+/=]+)/m.exec(item)?.[1],
  }))
  return [...bind, ...knot].map(makeKey)
}

function makeKey(found: {
  readonly name: string
  readonly algorithm: string | undefined
  readonly secret: string | undefined
}): TsigKey {
  const name = parseDnsName(found.name)
  const algorithm = found.algorithm?.toLowerCase().replace(/\.$/, '')
  if (algorithm === undefined || found.secret === undefined) {
    throw new DnsError('storage', `Cannot use the key ${name}: it has no algorithm, or no secret`)
  }
  if (!isAlgorithm(algorithm)) {
    const known = algorithms.join(', ')
    throw new DnsError(
      'unsupported',
      `Cannot use the key ${name}: ${algorithm} is none of ${known}`,
    )
  }
  const secret = decodeSecret(name, found.secret)
  if (secret.length < SECRET_BYTES_MIN) {
    const bytes = `${secret.length} bytes, at least ${SECRET_BYTES_MIN}`
    throw new DnsError('storage', `Cannot use the key ${name}: its secret has ${bytes}`)
  }
  return { name, algorithm, secret }
}

function isAlgorithm(text: string): text is TsigAlgorithm {
  return algorithms.includes(text)
}

/** An error that quotes its input would show the secret. */
function decodeSecret(name: DnsName, text: string): Uint8Array {
  try {
    return fromBase64(text)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    throw new DnsError('storage', `Cannot use the key ${name}: its secret is not base64`)
  }
}
