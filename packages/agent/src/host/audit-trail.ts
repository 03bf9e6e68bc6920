import {
  AuditError,
  type BundleRecord,
  RECORD_AGENTS_MAX,
  type RecordedAgent,
  RefusalCounts,
  REPEATS_MS,
  RULE_BYTES_MAX,
  type StatementRecord,
} from '@ixj/audit'
import type { Name } from '@ixj/names'
import {
  idOf,
  isBinding,
  isGrant,
  type Revocation,
  type Sha256,
  type SignedStatement,
  utf8Bytes,
} from '@ixj/trust'
import type { Approval } from '../bundles/approval.ts'
import type { Header } from '../bundles/header.ts'
import type { Clock } from '../clock.ts'
import type { Neighbours } from '../neighbours/neighbours.ts'
import type { AuditEvent, AuditLog } from '../pipeline/audit.ts'
import type { Trace } from '../pipeline/context.ts'
import { plainDecision, type Decision } from '../pipeline/decision.ts'
import { Refusal } from '../pipeline/verdicts.ts'
import type { Peer } from '../transport.ts'
import type { Sink, Topics } from './topics.ts'

/** What a trail asks its node. */
export interface AuditedNode {
  readonly identity: { readonly name: Name }
  readonly clock: Clock
  readonly hash: Sha256
  readonly neighbours: Pick<Neighbours, 'get'>
  readonly topics: Pick<Topics, 'audience'>
  /** Counts a decision and tells it. */
  record(decision: Decision): void
}

/** Turns what a node decides and issues into records of its log. */
export class AuditTrail {
  readonly #log: AuditLog | undefined
  readonly #node: AuditedNode
  readonly #counts = new RefusalCounts()
  readonly #endWatch: (() => void) | undefined
  #cancelCount: (() => void) | undefined
  /** Those who take bundles, as records name them: in a group the same for bundle after bundle. */
  readonly #named = new WeakMap<readonly Sink[], readonly RecordedAgent[]>()

  /** Without a log, nothing is recorded. */
  constructor(log: AuditLog | undefined, node: AuditedNode) {
    this.#log = log
    this.#node = node
    this.#endWatch = log?.watch((event) => this.#alarm(event))
  }

  /**
   * "If the log cannot be written, only class state is delivered."
   * @throws Refusal `log-unwritable`
   */
  checkWritable(header: Header): void {
    const cause = this.#log?.fault ?? null
    if (cause === null || header.class === 'state') return
    const reason = 'the audit log of this node cannot be written'
    throw new Refusal('log-unwritable', `Cannot accept class ${header.class}: ${reason}`, { cause })
  }

  /**
   * Records that a bundle was accepted, before it is delivered. What somebody relies on waits until
   * its record is safe: tasks, since they are acknowledged, and what had to be approved.
   * @throws Refusal `log-unwritable`
   */
  accepted(trace: Trace, from: Peer | null, decision: Decision): Promise<void> | undefined {
    const log = this.#log
    if (log === undefined) return undefined
    const record = this.#recordOf(trace, from, decision)
    const isRelied = record.approvers.length > 0 || (trace.takers ?? []).length > 0
    if (isRelied) return appendRelied(log, record)
    log.append(record)
    return undefined
  }

  /** Records why a bundle was refused, or counts it. What is a copy has its record already. */
  refused(trace: Trace, from: Peer | null, decision: Decision): void {
    const log = this.#log
    const { code } = decision
    if (log === undefined || code === null || code === 'duplicate') return
    const record = this.#recordOf(trace, from, decision)
    if (this.#counts.take({ ...record, code })) log.append(record)
    this.#countLater()
  }

  /**
   * Records statements that an agent of this node issued; resolves when all are safe. A statement
   * leaves the node only after that.
   * @throws AuditError `unwritable`, `closed`
   */
  async issued(statements: readonly SignedStatement[]): Promise<void> {
    const log = this.#log
    if (log === undefined) return
    const at = this.#node.clock.now()
    await Promise.all(statements.map((signed) => log.appendSafely(statementRecord(signed, at))))
  }

  /**
   * Records a revocation or a status of this node's own. Nobody waits for that: what takes a stolen
   * key back must not wait for a disk.
   */
  told(signed: SignedStatement): void {
    this.#log?.append(statementRecord(signed, this.#node.clock.now()))
  }

  /** Records an approval; resolves when that is safe. @throws AuditError `unwritable`, `closed` */
  async approved(approval: Approval): Promise<void> {
    const { topic, sender, authority, signed } = approval
    await this.#log?.appendSafely({
      kind: 'approval',
      at: this.#node.clock.now(),
      id: idOf('approval', signed.body, this.#node.hash),
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
    this.#endWatch?.()
  }

  /** The node is told; nobody else is to blame. */
  #alarm(event: AuditEvent): void {
    const { name } = this.#node.identity
    const facts = { action: 'record', topic: name, sender: name, at: this.#node.clock.now() }
    if (event.kind === 'recovered') return this.#node.record(plainDecision('audit', facts))
    const message = 'Cannot record: nothing but class state is delivered until that is cured'
    const cause = new Refusal('log-unwritable', message, { cause: event.cause })
    this.#node.record(plainDecision('audit', facts, cause))
  }

  #countLater(): void {
    const { clock } = this.#node
    this.#cancelCount ??= clock.at(clock.now() + REPEATS_MS, () => this.#endCount())
  }

  #endCount(): void {
    this.#cancelCount = undefined
    const now = this.#node.clock.now()
    for (const repeats of this.#counts.end(now)) this.#log?.append(repeats)
  }

  #recordOf(trace: Trace, from: Peer | null, { at, code }: Decision): BundleRecord {
    const { bundle, chain, authority, onBehalfOf, decision } = trace
    const header = bundle?.header
    const taking = header === undefined || code !== null ? [] : this.#node.topics.audience(header)
    const grants = authority?.chain ?? []
    return {
      kind: 'bundle',
      at,
      via: this.#node.neighbours.get(from)?.greeted.name ?? null,
      action: header?.action ?? null,
      class: header?.class ?? null,
      topic: header?.topic ?? null,
      sender: header?.sender ?? null,
      signed: trace.signed === true,
      organisation: chain?.organisation ?? null,
      onBehalfOf: onBehalfOf ?? null,
      delegators: grants.map(({ statement }) => statement.issuer),
      id: bundle?.id ?? null,
      grants: grants.map(({ id }) => id),
      proof: header?.proof ?? null,
      approvers: trace.approvers ?? [],
      messages: header?.count ?? 0,
      code,
      rule: decision === undefined ? null : shortened(decision.rule),
      agents: this.#agentsOf(taking),
      agentsCount: taking.length,
    }
  }

  #agentsOf(taking: readonly Sink[]): readonly RecordedAgent[] {
    let agents = this.#named.get(taking)
    if (agents === undefined) {
      agents = taking.slice(0, RECORD_AGENTS_MAX).map(({ agent }) => ({ name: agent, code: null }))
      this.#named.set(taking, agents)
    }
    return agents
  }
}

async function appendRelied(log: AuditLog, record: BundleRecord): Promise<void> {
  try {
    await log.appendSafely(record)
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause
    const reason = 'the audit log of this node cannot be written'
    throw new Refusal('log-unwritable', `Cannot accept what others rely on: ${reason}`, { cause })
  }
}

/** The record of a statement that was issued. */
export function statementRecord({ statement, id }: SignedStatement, at: number): StatementRecord {
  const signed = { statement, id } as SignedStatement
  const { kind, issuer, notAfter } = statement
  const act = kind === 'revocation' ? 'revoked' : 'issued'
  const common = { kind: 'statement', at, act, statement: kind, id, issuer } as const
  const none = { onBehalfOf: null, subject: null, parent: null, notAfter }
  if (isBinding(signed)) return { ...common, ...none, subject: signed.statement.name }
  if (isGrant(signed)) {
    const { onBehalfOf, subject, parent } = signed.statement
    return { ...common, onBehalfOf, subject, parent, notAfter }
  }
  if (statement.kind === 'revocation') return { ...common, ...none, ...revokedBy(statement) }
  return { ...common, ...none }
}

/** A revoked key stands as the subject, a revoked statement as the parent. */
function revokedBy({ of, target }: Revocation): Partial<StatementRecord> {
  const onBehalfOf = of
  return target.kind === 'key'
    ? { onBehalfOf, subject: target.name }
    : { onBehalfOf, parent: target.id }
}

/** A policy calls its rules what it likes; a record has room for so much. */
function shortened(text: string): string {
  if (text.length * 3 <= RULE_BYTES_MAX) return text
  let short = text.slice(0, RULE_BYTES_MAX)
  while (utf8Bytes(short.toWellFormed()).length > RULE_BYTES_MAX) short = short.slice(0, -1)
  return short.toWellFormed()
}
