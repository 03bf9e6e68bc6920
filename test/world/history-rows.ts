import type { HistoryRow, ReplayJournal } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { parseName } from '@ixj/names'

/** A row with this number, from 1 to 255, and a bundle for it. */
export function rowOf(number: number, length = 100): { row: HistoryRow; bytes: Uint8Array } {
  const row: HistoryRow = {
    id: new Uint8Array(32).fill(number),
    topic: parseName('crew.acme.example'),
    class: number % 2 === 0 ? 'task' : 'event',
    sender: parseName('a.acme.example'),
    key: new Uint8Array(32).fill(1),
    epoch: 2 ** 50 + number,
    first: number,
    count: 2,
    sentAt: 1_000 + number,
    verifiedAt: 2_000 + number,
    onBehalfOf: parseName('acme.example'),
    origin: 'live',
    length,
  }
  return { row, bytes: new Uint8Array(length).fill(number) }
}

/** A place with this number, of one of three lanes, that ends long from now. */
export function placeOf(
  number: number,
  forgetAt = 2 ** 50,
): Parameters<ReplayJournal['append']>[0] {
  const key = toHex(new Uint8Array(32).fill(number % 3))
  const lane = `crew.acme.example|a.acme.example|${key}|event`
  const id = toHex(new Uint8Array(32).fill(number))
  return { lane, epoch: 5, stream: `${lane}|5`, key, first: number, count: 1, id, forgetAt }
}
