import { historyContract } from '../../../../test/contract/history-contract.ts'
import { memoryHistory } from '../../src/history/memory-rows.ts'

historyContract('memory', async () => {
  const rows = memoryHistory()
  return { rows, again: async () => rows, [Symbol.asyncDispose]: async () => {} }
})
