import type { Pattern, Scene } from './cast.ts'
import type { ContenderName } from './process.ts'

/**
 * What a contender does in a scene, over its runs, which alternate with the others': trimmed geometric
 * means of speed and CPU, medians of bytes and memory.
 */
export interface ThroughputRow extends Scene {
  readonly kind: 'throughput'
  readonly contender: ContenderName
  /** Messages of each sender in its last run. */
  readonly count: number
  readonly perSecond: number
  /** Of all processes, and of a broker where there is one. */
  readonly cpuSecondsPerMillion: number
  /** Bytes that the lead's process sent for each delivery. */
  readonly leadBytesPerDelivery: number | undefined
  /** Of all processes, and of a broker where there is one. */
  readonly memoryMiB: number
  /** Over all runs. */
  readonly lost: number
  readonly duplicated: number
  readonly stray: number
  readonly perSecondOfRuns: readonly number[]
  /** Older results do not have it. */
  readonly cpuSecondsPerMillionOfRuns?: readonly number[]
}

/** How long something took, in ms. */
export interface Delays {
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

/**
 * From a message's being due to its delivery, at a pace that every contender holds: medians over
 * rounds, which alternate with the others'.
 */
export interface PacedRow extends Delays {
  readonly kind: 'paced'
  readonly contender: ContenderName
  readonly pattern: Pattern
  readonly agents: number
  /** Of all senders together. */
  readonly deliveriesPerSecond: number
  readonly deliveries: number
  /** Processors that all processes and a broker took meanwhile; older results do not have it. */
  readonly cpus?: number
  readonly lost: number
  /** Older results do not have it. */
  readonly p50MsOfRounds?: readonly number[]
}

/** P3: from a question to its answer, over all runs, which alternate with the others'. */
export interface AnswerRow extends Delays {
  readonly kind: 'answer'
  readonly contender: ContenderName
  readonly asked: number
  /** Older results do not have it. */
  readonly p50MsOfRounds?: readonly number[]
}

/** The first message of agents that their receiver never heard of, and those that follow. */
export interface ProofRow extends Delays {
  readonly kind: 'proof'
  readonly proofs: 'cold' | 'warm'
  readonly senders: number
  /** Over both ends and all processes, for each message. */
  readonly cpuMsPerMessage: number
  readonly lost: number
}

/** P7: what a delivery costs where there are so many. */
export interface GrowthRow {
  readonly kind: 'growth'
  readonly agents: number
  readonly nodes: number
  /** CPUs that the nodes took together before, while nobody spoke; older results do not have it. */
  readonly idleCpus?: number
  readonly cpuSecondsPerMillion: number
  readonly perSecond: number
  readonly lost: number
}

/** Who was not measured, at what, and why. */
export interface NotRunRow {
  readonly kind: 'not-run'
  /** `everybody` where the part itself failed. */
  readonly contender: ContenderName | 'everybody'
  readonly at: string
  readonly reason: string
}

/** Whatever the patterns' benchmark measures. */
export type PatternRow = ThroughputRow | PacedRow | AnswerRow | ProofRow | GrowthRow | NotRunRow

/** Contenders, as people read them, in the order of tables. */
export const TITLES: Readonly<Record<ContenderName, string>> = {
  ixj: 'ixj: signed, verified, authorised, audited',
  'https-1': 'HTTPS/1.1, kept alive, TLS 1.3',
  'https-2': 'HTTP/2, TLS 1.3',
  a2a: 'A2A, JSON-RPC over HTTPS',
  'mqtt-0': 'MQTT, QoS 0',
  'mqtt-1': 'MQTT, QoS 1',
  'nats-signed': 'NATS, one Ed25519 signature a message',
  'nats-tls': 'NATS, TLS 1.3',
  nats: 'NATS, plain',
}

/** Everybody who is measured. */
export const CONTENDERS = Object.keys(TITLES) as readonly ContenderName[]
