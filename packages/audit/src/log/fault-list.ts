import type { AuditCode } from '../audit-error.ts'
import { LOG_FAULTS_MAX } from '../limits.ts'

/** What is wrong with a log, and where. */
export interface LogFault {
  readonly code: AuditCode
  /** The first record that it is about, from 0. */
  readonly from: number
  /** The last record that it is about. */
  readonly to: number
  readonly message: string
}

/** Faults in the order in which they were found: {@link LOG_FAULTS_MAX}, and one for all others. */
export class FaultList {
  readonly #listed: LogFault[] = []
  #others: LogFault | undefined
  #othersCount = 0

  /** All of them. */
  get all(): readonly LogFault[] {
    return this.#others === undefined ? this.#listed : [...this.#listed, this.#others]
  }

  add(fault: LogFault): void {
    if (this.#listed.length < LOG_FAULTS_MAX) {
      this.#listed.push(fault)
      return
    }
    this.#othersCount += 1
    const from = Math.min(fault.from, this.#others?.from ?? fault.from)
    const to = Math.max(fault.to, this.#others?.to ?? fault.to)
    const { code } = this.#others ?? fault
    const message = `${this.#othersCount} more faults, in records ${from} to ${to}`
    this.#others = { code, from, to, message }
  }
}
