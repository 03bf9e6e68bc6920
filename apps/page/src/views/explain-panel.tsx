import type { Answer, Explanation } from '@ixj/trust'
import { useState } from 'preact/hooks'
import type { Flow } from '../mesh/flow-log.ts'
import type { MeshView } from '../mesh/mesh-view.ts'
import { FlowRow } from './flow-row.tsx'
import { NameText } from './name-text.tsx'

const QUESTIONS = [
  { field: 'name', label: 'Name', question: 'Who controls the name?' },
  { field: 'key', label: 'Key', question: 'Which key signed it?' },
  { field: 'authority', label: 'Authority', question: 'By whose grant may it say so?' },
  { field: 'policy', label: 'Policy', question: 'What did this page’s own policy say?' },
] as const

type Filter = 'all' | 'accepted' | 'refused'
const FILTERS: readonly Filter[] = ['all', 'accepted', 'refused']
const ROWS_MAX = 120

/** Why a message was let in or not, and what would have to change. */
export function ExplainPanel({
  view,
  chosen,
  choose,
}: {
  readonly view: MeshView
  readonly chosen: Flow | null
  readonly choose: (flow: Flow) => void
}) {
  const [filter, setFilter] = useState<Filter>('all')
  const flows = view.flows.flows.filter(
    ({ code }) => filter === 'all' || (code === null) === (filter === 'accepted'),
  )
  const shown = chosen ?? flows[0] ?? null
  return (
    <div class="explain">
      <section class="card explain-list" aria-label="Decisions">
        <header class="card-head">
          <h2>Decisions</h2>
          <div class="segments" role="group" aria-label="Which">
            {FILTERS.map((each) => (
              <button key={each} aria-pressed={filter === each} onClick={() => setFilter(each)}>
                {each}
              </button>
            ))}
          </div>
        </header>
        <ol class="flow-list">
          {flows.slice(0, ROWS_MAX).map((flow) => (
            <FlowRow
              key={flow.number}
              flow={flow}
              isChosen={shown?.number === flow.number}
              choose={choose}
            />
          ))}
        </ol>
        {flows.length === 0 && <p class="empty">Nothing of this kind yet.</p>}
      </section>
      {shown === null ? (
        <section class="card explanation">
          <p class="empty">Choose a message to see why it was let in, or not.</p>
        </section>
      ) : (
        <ExplanationCard explanation={shown.explain()} />
      )}
    </div>
  )
}

function ExplanationCard({ explanation }: { readonly explanation: Explanation }) {
  const { outcome, action, topic, sender, onBehalfOf, code, message, remedy, notes } = explanation
  return (
    <article class={`card explanation outcome-${outcome}`} aria-label="Explanation">
      <header class="outcome">
        <span class="stamp">{outcome}</span>
        <h2>
          <NameText name={sender} />
          <span class="wants"> {action} on </span>
          <NameText name={topic} />
        </h2>
        {onBehalfOf !== null && onBehalfOf !== sender && (
          <p class="behalf">
            on behalf of <NameText name={onBehalfOf} />
          </p>
        )}
      </header>
      {code !== null && (
        <div class="refusal">
          <p>
            <code>{code}</code> {message}
          </p>
          {remedy !== null && (
            <p class="remedy">
              <b>What would have to change</b> {remedy}
            </p>
          )}
        </div>
      )}
      <ol class="answers">
        {QUESTIONS.map(({ field, label, question }) => (
          <AnswerStep key={field} label={label} question={question} answer={explanation[field]} />
        ))}
      </ol>
      {notes.length > 0 && (
        <ul class="notes">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <p class="where">Verified in this page, against its own anchors. No relay had a say in it.</p>
    </article>
  )
}

function AnswerStep({
  label,
  question,
  answer,
}: {
  readonly label: string
  readonly question: string
  readonly answer: Answer
}) {
  const { state, lines } = answer
  return (
    <li class={`answer answer-${state}`}>
      <span class="answer-mark" aria-hidden="true">
        {{ yes: '✓', no: '✕', 'not-reached': '–' }[state]}
      </span>
      <div>
        <h3>
          {label} <small>{question}</small>
        </h3>
        {state === 'not-reached' && <p class="muted">not reached: something before it failed</p>}
        {lines.map((line) => (
          <Line key={line} line={line} />
        ))}
      </div>
    </li>
  )
}

/** Chains are drawn link by link; all else is a sentence. */
function Line({ line }: { readonly line: string }) {
  const isChain = /^\S+( \(.*?\))? [→←] /.test(line)
  if (!isChain) return <p class="answer-line">{line}</p>
  const parts = line.split(/ ([→←]) /)
  return (
    <p class="chain">
      {parts.map((part, index) =>
        index % 2 === 1 ? (
          <span key={index} class="arrow">
            {part}
          </span>
        ) : (
          <span key={index} class="link">
            {part}
          </span>
        ),
      )}
    </p>
  )
}
