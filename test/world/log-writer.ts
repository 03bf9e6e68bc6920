// A process that writes a log until it is killed: each number that it prints was acknowledged.
import { numbered, openLogAt } from './numbered-log.ts'

const [, , folder, from] = process.argv
const log = await openLogAt(folder!)
for (let number = Number(from); ;) {
  // Some that nobody waits for, then several that wait together: they share groups.
  log.append(numbered(number++))
  const group = [number++, number++, number++]
  await Promise.all(group.map((each) => log.appendSafely(numbered(each))))
  // All before it are safe as well: records are kept in their order.
  process.stdout.write(`${group.at(-1)}\n`)
}
