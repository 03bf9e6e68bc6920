// A process that keeps bundles, and writes down places, until it is killed: each number that it
// prints was stored.
import { systemClock } from '../../packages/node/src/system-clock.ts'
import { openPlaceJournal } from '../../packages/node/src/history/place-journal.ts'
import { openSqliteHistory } from '../../packages/node/src/history/sqlite-history.ts'
import { placeOf, rowOf } from './history-rows.ts'

const [, , folder] = process.argv
const rows = await openSqliteHistory(`${folder}/bundles.sqlite`)
const journal = await openPlaceJournal(folder!, systemClock)
for (let number = 1; number < 200; number++) {
  // Small ones are in its journal, large ones in its tables.
  const { row, bytes } = rowOf(number, number % 3 === 0 ? 20_000 : 200)
  journal.append(placeOf(number))
  await rows.put(row, bytes)
  process.stdout.write(`${number}\n`)
}
