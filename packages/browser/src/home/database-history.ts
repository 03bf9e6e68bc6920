import {
  AgentError,
  EVIDENCE_KEPT_MAX,
  type EvidenceRow,
  type HistoryRow,
  type HistoryRows,
} from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { BrowserError } from '../browser-error.ts'
import type { Database } from './database.ts'

/** What a node in a page keeps of bundles: rows apart from the bytes, so that opening reads few. */
export function databaseHistory(database: Database): HistoryRows {
  return {
    load: () => stored<HistoryRow[]>(() => database.read('rows', (rows) => rows.getAll())),
    put: (row, bytes) => {
      const id = toHex(row.id)
      const own = { ...row, id: row.id.slice(), key: row.key.slice() }
      return stored(() =>
        database.write(['rows', 'bundles'], (open) => {
          open('rows').put(own, id)
          // A copy: what is a view of a larger buffer would be kept with all of it.
          open('bundles').put(bytes.slice(), id)
        }),
      )
    },
    remove: (ids) => {
      const removing = database.write(['rows', 'bundles'], (open) => {
        for (const id of ids.map(toHex)) {
          open('rows').delete(id)
          open('bundles').delete(id)
        }
      })
      // What could not be removed is removed after the next start, when the same bounds hold.
      removing.catch((cause: unknown) => {
        if (!(cause instanceof BrowserError)) throw cause
        console.warn(`Bundles stay in IndexedDB until the page opens again: ${cause.message}`)
      })
    },
    read: (ids) =>
      stored(() =>
        Promise.all(
          ids.map((id) =>
            database.read<Uint8Array | undefined>('bundles', (all) => all.get(toHex(id))),
          ),
        ),
      ),
    putEvidence: (entry) => stored(() => putEvidence(database, entry)),
    evidence: () =>
      stored(async () => {
        const all = await database.read<{ order: number; entry: EvidenceRow }[]>(
          'evidence',
          (each) => each.getAll(),
        )
        return all.toSorted((left, right) => left.order - right.order).map(({ entry }) => entry)
      }),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** One for each key, and the first of it. */
async function putEvidence(database: Database, entry: EvidenceRow): Promise<void> {
  await database.write(['evidence'], (open) => {
    const all = open('evidence')
    const counting = all.count()
    counting.addEventListener('success', () => {
      if (counting.result >= EVIDENCE_KEPT_MAX) return
      const order = counting.result
      const known = all.get(entry.key)
      known.addEventListener('success', () => {
        if (known.result === undefined) all.put({ order, entry }, entry.key)
      })
    })
  })
}

async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof BrowserError)) throw cause
    throw new AgentError('not-stored', `Cannot keep a bundle: ${cause.message}`, { cause })
  }
}
