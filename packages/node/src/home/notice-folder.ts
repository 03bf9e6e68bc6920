import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NOTICE_BYTES_MAX, type Notice } from '@ixj/agent'
import { fromBase64url, toBase64url, TrustError } from '@ixj/trust'
import { makeFolder, OTHERS_MAY_WRITE, readBounded, replaceFile } from './file.ts'
import { HomeError } from './home-error.ts'
import type { Home } from './home.ts'
import { formatFile, malformed, parseFile, readString } from './json-text.ts'
import { NOTICE_FILES_MAX } from './limits.ts'

const VERSION = 1
const ENDING = '.json'

/**
 * Writes a revocation or successor into a home (`revoked/ID.json`), from where its nodes take it and
 * tell it to others; gives the path. @throws HomeError `file`, `too-large`
 */
export async function writeNotice(home: Pick<Home, 'folder'>, notice: Notice): Promise<string> {
  const folder = join(home.folder, 'revoked')
  await makeFolder(folder)
  const files = await noticeFiles(home)
  if (files.length >= NOTICE_FILES_MAX) {
    const size = `${files.length} are there, limit ${NOTICE_FILES_MAX}`
    throw new HomeError('too-large', `Cannot write another revocation into ${folder}: ${size}`)
  }
  const path = join(folder, `${notice.told.idText}${ENDING}`)
  await replaceFile(path, formatNotice(notice))
  return path
}

/** The text of a file of one notice: JSON with `version` 1 and `notice` in base64url. */
export function formatNotice({ bytes }: Pick<Notice, 'bytes'>): string {
  return formatFile({ version: VERSION, notice: toBase64url(bytes) })
}

/** The files of such notices in a home, sorted. @throws HomeError `file` */
export async function noticeFiles(home: Pick<Home, 'folder'>): Promise<readonly string[]> {
  const folder = join(home.folder, 'revoked')
  try {
    const files = await readdir(folder)
    return files.filter((file) => file.endsWith(ENDING)).toSorted()
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return []
    throw new HomeError('file', `Cannot list ${folder}: ${code ?? cause.message}`, { cause })
  }
}

/**
 * The bytes of one of them; undefined if it has gone.
 * @throws HomeError `malformed`, `too-large`, `unsafe-mode`, `file`, `unsupported`
 */
export async function readNoticeFile(
  home: Pick<Home, 'folder'>,
  file: string,
): Promise<Uint8Array | undefined> {
  const path = join(home.folder, 'revoked', file)
  const rules = { bytesMax: 2 * NOTICE_BYTES_MAX, forbidden: OTHERS_MAY_WRITE }
  const bytes = await readBounded(path, rules)
  return bytes === undefined ? undefined : parseNotice(bytes, path)
}

/** Reads such a file; gives the bytes of its notice. @throws HomeError `malformed`, `unsupported` */
export function parseNotice(bytes: Uint8Array, path: string): Uint8Array {
  const { notice } = parseFile(bytes, path, { version: VERSION, members: ['notice'] })
  try {
    return fromBase64url(readString(notice, `notice in ${path}`))
  } catch (cause) {
    if (!(cause instanceof TrustError)) throw cause
    throw malformed(path, 'its notice is not base64url', { cause })
  }
}
