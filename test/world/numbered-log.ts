import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '@ixj/agent'
import {
  type AuditRecord,
  decodeRecord,
  FrameReader,
  type NoteKey,
  type StatementRecord,
} from '@ixj/audit'
import { parseName } from '@ixj/names'
import {
  nodeSha256 as hash,
  nodeSigner,
  openNodeVerifier,
} from '../../packages/node/src/node-keys.ts'
import { systemClock } from '../../packages/node/src/system-clock.ts'
import { sha256, utf8Bytes } from '@ixj/trust'
import { openAuditLog } from '../../packages/node/src/audit/audit-log.ts'
import { diskLogFiles } from '../../packages/node/src/audit/log-files.ts'

export const SIGNER = nodeSigner(sha256(utf8Bytes('a log')))
export const KEY: NoteKey = {
  name: 'n1.acme.example/ixj/audit',
  use: 'note',
  publicKey: SIGNER.publicKey,
}
export const TRUST = { key: KEY, verifier: openNodeVerifier(), hash }

/** A record with a number of its own. */
export function numbered(number: number, bytes = 0): StatementRecord {
  return {
    kind: 'statement',
    at: number,
    act: 'issued',
    statement: 'grant',
    id: sha256(utf8Bytes(`statement ${number}`)),
    issuer: parseName('acme.example'),
    onBehalfOf: null,
    subject: 'x'.repeat(bytes),
    parent: null,
    notAfter: 1,
  }
}

/** The whole records of a file. */
export function recordsIn(bytes: Uint8Array): readonly AuditRecord[] {
  return [...new FrameReader().push(bytes)].map(({ record }) => decodeRecord(record))
}

/** Opens the log in a real folder. */
export function openLogAt(folder: string, clock: Clock = systemClock) {
  return openAuditLog({ ...TRUST, files: diskLogFiles(folder), signer: SIGNER, clock })
}

/** The whole records of the log in a real folder. */
export async function recordsAt(folder: string): Promise<readonly AuditRecord[]> {
  return recordsIn(await readFile(join(folder, 'records')))
}
