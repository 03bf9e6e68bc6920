import type { AuditLog, Clock } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import type { History } from './history.ts'

/** How long a record takes to be safe. */
const SAFE_MS = 3

/** An audit log that the observer of a run can read; it is never full. */
export function collectingLog(node: string, history: History, clock: Clock): AuditLog {
  const append: AuditLog['append'] = (record) => {
    if (record.kind === 'bundle') {
      const id = record.id === null ? null : toHex(record.id)
      history.add({ kind: 'recorded', node, code: record.code, id, count: 1 })
    } else if (record.kind === 'repeats') {
      history.add({ kind: 'recorded', node, code: record.code, id: null, count: record.count })
    }
  }
  return {
    fault: null,
    append,
    appendSafely: (record) => {
      append(record)
      const { promise, resolve } = Promise.withResolvers<void>()
      clock.at(clock.now() + SAFE_MS, resolve)
      return promise
    },
    watch: () => () => {},
  }
}
