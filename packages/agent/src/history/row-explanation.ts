import type { Explanation } from '@ixj/trust'
import type { HistoryRow } from './history-rows.ts'

/** What is known of a kept bundle: that it held, when, and how this node knows. */
export function explainRow(row: HistoryRow): Explanation {
  const { topic, sender, onBehalfOf, sentAt, verifiedAt, origin } = row
  const age = verifiedAt - sentAt
  const yes = {
    state: 'yes',
    lines: [`held when it was looked at, ${age} ms after it was sent`],
  } as const
  return {
    outcome: 'accepted',
    code: null,
    message: null,
    remedy: null,
    action: 'publish',
    topic,
    sender,
    onBehalfOf,
    name: yes,
    key: yes,
    authority: yes,
    policy: yes,
    notes: [`history: ${ORIGINS[origin]}`],
  }
}

const ORIGINS: Readonly<Record<HistoryRow['origin'], string>> = {
  own: 'an agent of this node sent it',
  sent: 'an agent of this node sent it',
  live: 'it was delivered when it came',
  historical: 'it came after its lifespan, and its proof held then',
  carried: 'it is kept for others, and could not be opened here',
  attested: 'its proof had lapsed, and a keeper of history vouched for it',
}
