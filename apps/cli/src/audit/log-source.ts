import { AuditError, type CheckpointTrust, type NoteKey, parseNoteKey } from '@ixj/audit'
import { type Name, isName } from '@ixj/names'
import {
  auditFolder,
  auditNames,
  findLogKeys,
  type Home,
  type LogFolder,
  nodeSha256,
  openLogFolder,
  openNodeVerifier,
  readLogStatements,
  systemClock,
} from '@ixj/node/home'
import { TrustError } from '@ixj/trust'
import type { Command } from 'commander'
import { folderArgument, textArgument } from '../arguments.ts'
import { ArgumentError } from '../command-error.ts'
import { readRevocations } from '../home-revocations.ts'

/** Options of every command that reads a log. */
export interface LogFlags {
  readonly log?: string
}

/** Options of every command that trusts one. */
export interface TrustFlags extends LogFlags {
  readonly key?: NoteKey
  readonly at?: number
}

/** A log, and whose it is said to be. */
export interface LogSource {
  readonly node: Name
  readonly log: LogFolder
}

/** Adds `--log` to a command. */
export function addLogOptions(command: Command): Command {
  return command.option(
    '--log <folder>',
    'a log copied from another home (default: the node’s own, in this one)',
    folderArgument,
  )
}

/** Adds `--key` and `--at` to a command. */
export function addTrustOptions(command: Command): Command {
  return command
    .option(
      '--key <key>',
      'the log’s key, as its owner told you: NAME+ID+KEY (default: by a chain to your anchors)',
      noteKeyArgument,
    )
    .option('--at <time>', 'when the key’s right has to hold (default: now)', timeArgument)
}

/**
 * The log that is meant: in a folder, of a node, or the only one of this home.
 * @throws ArgumentError `usage`; AuditError `absent`
 */
export async function openSource(
  home: Home,
  node: Name | undefined,
  flags: LogFlags,
): Promise<LogSource> {
  if (flags.log !== undefined) {
    const said = (await readLogStatements(flags.log))?.name
    const name = node ?? said
    if (name !== undefined && isName(name)) return { node: name, log: openLogFolder(flags.log) }
    throw new ArgumentError('usage', `Cannot tell whose log is in ${flags.log}: name the node`)
  }
  const meant = node ?? (await onlyNode(home))
  return { node: meant, log: openLogFolder(auditFolder(home, meant)) }
}

/**
 * The only node that has run from this home.
 * @throws ArgumentError `usage` where there are several; AuditError `absent` where there is none
 */
export async function onlyNode(home: Home): Promise<Name> {
  const names = await auditNames(home)
  const [only] = names
  if (only !== undefined && names.length === 1) return only
  if (only === undefined) {
    const reason = 'no node has run from this home'
    throw new AuditError('absent', `Cannot find an audit log: ${reason}`)
  }
  throw new ArgumentError('usage', `Cannot choose a node: name one of ${names.join(', ')}`)
}

/**
 * Under which key a log is verified: one that was told, or one to which a chain from an anchor of
 * this home leads. What lies beside the log only helps to find the chain.
 * @throws AuditError `unknown-key`
 */
export async function trustOf(
  home: Home,
  { node, log }: LogSource,
  flags: TrustFlags,
): Promise<CheckpointTrust> {
  const verifier = openNodeVerifier()
  const hash = nodeSha256
  if (flags.key !== undefined) return { key: flags.key, verifier, hash }
  const statements = (await readLogStatements(log.folder))?.statements ?? []
  const anchors = await home.readAnchors()
  const at = flags.at ?? systemClock.now()
  const revocations = await readRevocations(home, anchors)
  const [key] = await findLogKeys(node, statements, { anchors, at, verifier, revocations })
  return { key: key!, verifier, hash }
}

/** A key for notes on the command line. @throws ArgumentError */
export function noteKeyArgument(word: string): NoteKey {
  const text = textArgument(word)
  try {
    return parseNoteKey(text, nodeSha256)
  } catch (cause) {
    if (!(cause instanceof AuditError) && !(cause instanceof TrustError)) throw cause
    throw new ArgumentError(cause.code, cause.message, { cause })
  }
}

/** A time in ISO form, UTC unless it says otherwise. @throws ArgumentError `usage` */
export function timeArgument(text: string): number {
  const form = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/
  const [, clock, , , zone] = form.exec(text) ?? []
  const time = form.test(text)
    ? Date.parse(clock !== undefined && zone === undefined ? `${text}Z` : text)
    : Number.NaN
  if (Number.isSafeInteger(time)) return time
  const shown = JSON.stringify(text.slice(0, 40))
  const reason = 'a time looks like 2026-11-26 or 2026-11-26T14:05:00Z'
  throw new ArgumentError('usage', `Cannot read the time ${shown}: ${reason}`)
}
