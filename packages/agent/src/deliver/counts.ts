import { isCode } from '../pipeline/verdicts.ts'

/** What became of bundles that a node handed to hosts on direct streams. */
export class DeliverCounts {
  /** Accepted by a host. */
  accepted = 0
  /** Refused, by the host's code; codes that are not known here count as `other`. */
  readonly refused = new Map<string, number>()
  /** Left by streams that ended; each was handed over again, or is lost. */
  resent = 0
  /** Given up: their lifespan ended, or too much waited. */
  lost = 0
  /** Times that a neighbour was not read on, since too much of it was refused. */
  slowed = 0
  /** Times that a stream was ended since its host decided about nothing for too long. */
  silent = 0

  /** Counts what a host decided. */
  decided(code: string | null): void {
    if (code === null) {
      this.accepted += 1
      return
    }
    const known = isCode(code) ? code : 'other'
    this.refused.set(known, (this.refused.get(known) ?? 0) + 1)
  }
}
