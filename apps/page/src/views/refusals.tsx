import type { Flow } from '../mesh/flow-log.ts'
import type { ToldRefusal } from '../mesh/fleet-floor.ts'
import { FlowRow } from './flow-row.tsx'
import { NameText } from './name-text.tsx'

/** Robots that are shown as refused, and those on the floor who say so of one: anybody may say much. */
const NAMES_SHOWN = 6
const TELLERS_SHOWN = 24

/** What nobody on the floor believes any more: who refuses whom, why, and how often. */
export function Refusals({
  told,
  own,
  explain,
}: {
  readonly told: readonly ToldRefusal[]
  readonly own: readonly Flow[]
  readonly explain: (flow: Flow) => void
}) {
  if (told.length === 0 && own.length === 0) return null
  const byName = Map.groupBy(told, ({ name, code }) => `${name} ${code}`)
  return (
    <section class="card" aria-label="Refused">
      <header class="card-head">
        <h2>Refused</h2>
        <span class="count">whoever has the key</span>
      </header>
      {[...byName.values()].slice(0, NAMES_SHOWN).map((each) => (
        <Powerless key={`${each[0]!.name} ${each[0]!.code}`} told={each} />
      ))}
      {own.length > 0 && (
        <>
          <h3 class="refused-here">Here, by this page</h3>
          <ol class="flow-list short">
            {own.map((flow) => (
              <FlowRow key={flow.number} flow={flow} choose={explain} />
            ))}
          </ol>
        </>
      )}
    </section>
  )
}

/** One robot whose word counts nowhere. */
function Powerless({ told }: { readonly told: readonly ToldRefusal[] }) {
  const { name, code } = told[0]!
  const more = told.length - TELLERS_SHOWN
  return (
    <div class="powerless">
      <p>
        <NameText name={name} /> <span class="verdict verdict-rejected">{code}</span>
      </p>
      <ul>
        {told
          .toSorted((left, right) => left.by.localeCompare(right.by, 'en', { numeric: true }))
          .slice(0, TELLERS_SHOWN)
          .map(({ by, count }) => (
            <li key={by} title={`${by} says so`}>
              {by.split('.')[0]} <b>{count.toLocaleString('en')}</b>
            </li>
          ))}
        {more > 0 && <li>{more.toLocaleString('en')} more</li>}
      </ul>
    </div>
  )
}
