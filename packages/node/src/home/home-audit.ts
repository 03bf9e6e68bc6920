import { join } from 'node:path'
import { isName, type Name } from '@ixj/names'
import { SEED_BYTES, type SignedStatement, type Signer } from '@ixj/trust'
import { nodeRandom, nodeSigner } from '../node-keys.ts'
import { makeFolder, OTHERS_MAY_WRITE, readBounded, replaceFile } from './file.ts'
import { fileName, listFolder } from './file-names.ts'
import type { Home } from './home.ts'
import { readKeyFile, writeKeyFile } from './key-file.ts'
import { STATEMENTS_FILE_BYTES_MAX } from './limits.ts'
import { formatStatements, parseStatements } from './statements-file.ts'

/** Where the audit log of a node lies in a home; all of it may be copied and shown. */
export function auditFolder(home: Home, node: Name): string {
  return join(home.folder, 'audit', fileName(node, ''))
}

/** The nodes whose audit logs lie in a home, sorted. @throws HomeError `file` */
export async function auditNames(home: Home): Promise<readonly Name[]> {
  const names = await listFolder(join(home.folder, 'audit'))
  return names.filter((name) => isName(name)).toSorted()
}

/**
 * The key that signs the checkpoints of a node's log and nothing else, made on first use. It does
 * not lie in the log's folder, which is for others to see.
 * @throws TrustError `key-file`
 */
export async function readLogKey(home: Home, node: Name): Promise<Signer> {
  const folder = join(home.folder, 'log-keys')
  const path = join(folder, fileName(node, '.key'))
  const place = { path, folder, name: node, purpose: 'log' } as const
  const known = await readKeyFile(place)
  if (known !== undefined) return nodeSigner(known)
  await makeFolder(folder)
  // The name's lock is held, so nobody else makes one meanwhile.
  return await writeKeyFile(place, nodeRandom(SEED_BYTES))
}

/**
 * What stands beside a log: the statements that say which key signs it. They prove nothing by
 * themselves: a verifier checks them against its own anchors.
 * @throws HomeError `malformed`, `too-large`, `unsafe-mode`, `unsupported`, `file`
 */
export async function readLogStatements(
  folder: string,
): Promise<{ readonly name: string; readonly statements: readonly SignedStatement[] } | undefined> {
  const path = join(folder, 'statements.json')
  const rules = { bytesMax: STATEMENTS_FILE_BYTES_MAX, forbidden: OTHERS_MAY_WRITE }
  const bytes = await readBounded(path, rules)
  return bytes === undefined ? undefined : parseStatements(bytes, path)
}

/** Replaces them. @throws HomeError `file`, `too-large` */
export async function writeLogStatements(
  folder: string,
  file: { readonly name: Name; readonly statements: readonly SignedStatement[] },
): Promise<void> {
  await makeFolder(folder)
  await replaceFile(join(folder, 'statements.json'), formatStatements(file))
}
