import { historyContract } from '../../../test/contract/history-contract.ts'
import { databaseHistory } from '../src/home/database-history.ts'
import { openDatabase } from '../src/home/database.ts'
import { pageParts } from './page-parts.ts'

historyContract('IndexedDB', async () => {
  const { databases } = pageParts()
  let database = await openDatabase(databases, 'bench')
  return {
    rows: databaseHistory(database),
    again: async () => {
      database[Symbol.dispose]()
      database = await openDatabase(databases, 'bench')
      return databaseHistory(database)
    },
    [Symbol.asyncDispose]: async () => database[Symbol.dispose](),
  }
})
