import { parentPort, workerData } from 'node:worker_threads'
import { HISTORY_SYNC_MS } from './limits.ts'
import { openTables } from './history-tables.ts'
import type { HistoryAnswer, HistoryQuestion } from './history-questions.ts'

// A thread of its own: SQLite blocks whoever asks it, and a sync waits for the disk.
const tables = openTables(workerData as string)

function answer(question: HistoryQuestion): unknown {
  switch (question.kind) {
    case 'load':
      return tables.load()
    case 'write':
      return tables.write(question)
    case 'read':
      return tables.read(question.places)
    case 'evidence':
      return tables.evidence()
    case 'close':
      return tables.close()
  }
}

let cancelSync: NodeJS.Timeout | undefined

/** One sync for all that is committed within half a second: none waits for one of its own. */
function syncSoon(): void {
  cancelSync ??= setTimeout(() => {
    cancelSync = undefined
    tables.sync()
  }, HISTORY_SYNC_MS)
}

parentPort?.on('message', (question: HistoryQuestion) => {
  const { number } = question
  let reply: HistoryAnswer
  try {
    reply = { number, value: answer(question) }
    if (question.kind === 'write') syncSoon()
  } catch (cause) {
    reply = { number, failure: cause instanceof Error ? cause.message : String(cause) }
  }
  parentPort?.postMessage(reply, [])
  if (question.kind !== 'close') return
  clearTimeout(cancelSync)
  parentPort?.close()
})
