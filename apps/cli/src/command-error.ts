import { AgentError, Refusal, TransportError } from '@ixj/agent'
import { AuditError } from '@ixj/audit'
import { DnsError } from '@ixj/dns'
import { NameError } from '@ixj/names'
import { HomeError } from '@ixj/node/home'
import { PolicyError } from '@ixj/node/policy'
import { TrustError } from '@ixj/trust'
import { CommanderError } from 'commander'

/** What a command can fail with, beyond what the packages below say. */
export type CommandCode =
  /** A file that was named on the command line cannot be read or written. */
  | 'file'
  /** Something else of that name is there already. */
  | 'exists'
  /** There is nothing of that name. */
  | 'absent'
  /** What is to be sent is larger than a message may be. */
  | 'too-large'
  /** Nobody else was present in time. */
  | 'nobody-there'
  /** A process of the demonstration ended, or did not get on; its own words are in the message. */
  | 'failed'
  /** What it waited for did not come in its time. */
  | 'ended'
  /** Somebody ended the program before it was done. */
  | 'stopped'
  /** A statement file is not for the key that this home has. */
  | 'wrong-key'

/** A command could not be done; `code` says why. Ends the program with 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: CommandCode

  constructor(code: CommandCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The command line itself is wrong; `code` says why. Ends the program with 2. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
  /** `usage`, or the code of what was wrong with a name or a key. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What scripts and people are told of a failure. */
export interface Failure {
  readonly code: string
  readonly message: string
  /** 1: refused or failed; 2: wrong command line. */
  readonly exitCode: 1 | 2
}

/** A failure that was foreseen; undefined for a bug, which is shown whole. */
export function failureOf(cause: unknown): Failure | undefined {
  if (cause instanceof CommanderError) {
    const message = cause.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
    return { code: 'usage', message, exitCode: 2 }
  }
  if (cause instanceof ArgumentError) {
    return { code: cause.code, message: cause.message, exitCode: 2 }
  }
  if (isCoded(cause)) {
    const exitCode = cause.code === 'address' ? 2 : 1
    return { code: cause.code, message: cause.message, exitCode }
  }
  return undefined
}

function isCoded(cause: unknown): cause is Error & { readonly code: string } {
  const coded = [
    CommandError,
    AuditError,
    HomeError,
    PolicyError,
    TrustError,
    DnsError,
    NameError,
    AgentError,
    TransportError,
    Refusal,
  ]
  if (coded.some((type) => cause instanceof type)) return true
  // Its class is not imported: that would load libp2p for commands that need none.
  return cause instanceof Error && cause.name === 'NodeError' && 'code' in cause
}
