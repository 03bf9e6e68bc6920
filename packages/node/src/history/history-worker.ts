import { parentPort, workerData } from 'node:worker_threads'
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

parentPort?.on('message', (question: HistoryQuestion) => {
  const { number } = question
  let reply: HistoryAnswer
  try {
    reply = { number, value: answer(question) }
  } catch (cause) {
    reply = { number, failure: cause instanceof Error ? cause.message : String(cause) }
  }
  parentPort?.postMessage(reply, [])
  if (question.kind === 'close') parentPort?.close()
})
