import {
  type BundleRecord,
  RECORD_AGENTS_MAX,
  RefusalCounts,
  REPEATS_MS,
  RULE_BYTES_MAX,
  type StatementRecord,
} from '@ixj/audit'
import type { Name } from '@ixj/names'
import { isBinding, isGrant, type SignedStatement, utf8Bytes } from '@ixj/trust'
import type { Approval } from '../bundles/approval.ts'
import type { Header } from '../bundles/header.ts'
import type { Clock } from '../clock.ts'
import type { AuditLog } from '../pipeline/audit.ts'
import type { Trace } from '../pipeline/context.ts'
import type { Decision } from '../pipeline/decision.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'

/** What a trail is made from. */
export interface AuditTrailOptions {
  /** Undefined: nothing is recorded. */
  readonly log: AuditLog | undefined
  readonly clock: Clock
  /** The proven name of a neighbour. */
  nameOf(peer: Peer): Name | null
  /** The agents here for whom a bundle is. */
  agentsOf(header: Header): readonly Name[]
}

/** Turns what a node decides and issues into records of its log. */
export class AuditTrail {
  readonly #options: AuditTrailOptions
  readonly #counts = new RefusalCounts()
  #cancelCount: (() => void) | undefined

  constructor(options: AuditTrailOptions) {
    this.#options = options
  }

  /**
   * "If the log cannot be written, only class state is delivered."
   * @throws Refusal `log-unwritable`
   */
  checkWritable(header: Header): void {
    const cause = this.#options.log?.fault ?? null
    if (cause === null || header.class === 'state') return
    const reason = 'the audit log of this node cannot be written'
    throw new Refusal('log-unwritable', `Cannot accept class ${header.class}: ${reason}`, { cause })
  }

  /** Records what was decided about a bundle. What is a copy has its record already. */
  bundle(trace: Trace, from: Peer | null, decision: Decision): void {
    const { log } = this.#options
    const { code } = decision
    if (log === undefined || code === 'duplicate') return
    const record = this.#recordOf(trace, from, decision)
    if (code === null || this.#counts.take({ ...record, code })) log.append(record)
    if (code !== null) this.#countLater()
  }

  /**
   * Records statements that an agent of this node issued; resolves when all are safe. A statement
   * leaves the node only after that.
   * @throws AuditError `unwritable`, `closed`
   */
  async issued(statements: readonly SignedStatement[]): Promise<void> {
    const { log, clock } = this.#options
    if (log === undefined) return
    const at = clock.now()
    await Promise.all(statements.map((signed) => log.appendSafely(statementRecord(signed, at))))
  }

  /** Records an approval; resolves when that is safe. @throws AuditError `unwritable`, `closed` */
  async approved(approval: Approval, id: Uint8Array): Promise<void> {
    const { topic, sender, authority, signed } = approval
    await this.#options.log?.appendSafely({
      kind: 'approval',
      at: this.#options.clock.now(),
      id,
      approver: signed.signer,
      topic,
      sender,
      authority,
    })
  }

  /** Records what was counted, and counts no more. */
  close(): void {
    this.#cancelCount?.()
    this.#endCount()
  }

  #countLater(): void {
    const { clock } = this.#options
    this.#cancelCount ??= clock.at(clock.now() + REPEATS_MS, () => this.#endCount())
  }

  #endCount(): void {
    this.#cancelCount = undefined
    const { log, clock } = this.#options
    for (const repeats of this.#counts.end(clock.now())) log?.append(repeats)
  }

  #recordOf(trace: Trace, from: Peer | null, { at, code }: Decision): BundleRecord {
    const { bundle, chain, authority, onBehalfOf, decision } = trace
    const header = bundle?.header
    const agents = header === undefined || code !== null ? [] : this.#options.agentsOf(header)
    const grants = authority?.chain ?? []
    return {
      kind: 'bundle',
      at,
      via: from === null ? null : this.#options.nameOf(from),
      action: header?.action ?? null,
      class: header?.class ?? null,
      topic: header?.topic ?? null,
      sender: header?.sender ?? null,
      signed: trace.signed === true,
      organisation: chain?.anchor.name ?? null,
      onBehalfOf: onBehalfOf ?? null,
      delegators: grants.map(({ statement }) => statement.issuer),
      id: bundle?.id ?? null,
      grants: grants.map(({ id }) => id),
      proof: header?.proof ?? null,
      messages: header?.count ?? 0,
      code,
      rule: decision === undefined ? null : shortened(decision.rule),
      agents: agents.slice(0, RECORD_AGENTS_MAX).map((name) => ({ name, code: null })),
      agentsCount: agents.length,
    }
  }
}

function statementRecord({ statement, id }: SignedStatement, at: number): StatementRecord {
  const signed = { statement, id } as SignedStatement
  const { kind, issuer, notAfter } = statement
  const common = { kind: 'statement', at, act: 'issued', statement: kind, id, issuer } as const
  const none = { onBehalfOf: null, subject: null, parent: null, notAfter }
  if (isBinding(signed)) return { ...common, ...none, subject: signed.statement.name }
  if (isGrant(signed)) {
    const { onBehalfOf, subject, parent } = signed.statement
    return { ...common, onBehalfOf, subject, parent, notAfter }
  }
  return { ...common, ...none }
}

/** A policy calls its rules what it likes; a record has room for so much. */
function shortened(text: string): string {
  if (text.length * 3 <= RULE_BYTES_MAX) return text
  let short = text.slice(0, RULE_BYTES_MAX)
  while (utf8Bytes(short.toWellFormed()).length > RULE_BYTES_MAX) short = short.slice(0, -1)
  return short.toWellFormed()
}
