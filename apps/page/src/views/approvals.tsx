import { explanationOf } from '@ixj/agent'
import { formatDate, formatTimeLeft, toHex } from '@ixj/trust'
import type { ComponentChildren } from 'preact'
import type { MeshView } from '../mesh/mesh-view.ts'
import { isSettled, type WaitingApproval } from '../mesh/waiting-approvals.ts'
import { bodyText, visible } from './body-text.ts'
import { NameText } from './name-text.tsx'

/** Where the header's badge leads to. */
export const APPROVALS_ID = 'approvals'

/** What others may do only if the person in this page lets them, each once; in every view. */
export function Approvals({ view }: { readonly view: MeshView }) {
  const { approvals } = view
  const now = Date.now()
  const waiting = approvals.at(now)
  if (waiting.length === 0) return null
  const { turnedAway, lapsed } = approvals
  return (
    <section id={APPROVALS_ID} class="card approvals" aria-label="Approvals" tabIndex={-1}>
      <header class="card-head">
        <h2>Your approval is asked</h2>
        <span class="count" role="status">
          {waiting.length} waiting
          {(lapsed > 0 || turnedAway > 0) && ' · '}
          {lapsed > 0 && `${lapsed} ended before you decided`}
          {lapsed > 0 && turnedAway > 0 && ' · '}
          {turnedAway > 0 && `${turnedAway} turned away for want of room`}
        </span>
      </header>
      <ul>
        {waiting.map((each) => (
          <Question key={each.number} waiting={each} view={view} now={now} />
        ))}
      </ul>
    </section>
  )
}

/** All that a person has to know before a yes: who, for whom, what, to whom, by what right. */
function Question({
  waiting,
  view,
  now,
}: {
  readonly waiting: WaitingApproval
  readonly view: MeshView
  readonly now: number
}) {
  const { asked, number } = waiting
  const { sender, onBehalfOf, topic, audience, contentType, grant, needed, priority } = asked
  const text = bodyText(asked.body)
  const isReady = isSettled(waiting, now)
  const { name } = explanationOf(asked)
  return (
    <li class="question">
      <h3>
        <NameText name={sender} /> wants to {asked.action} on <NameText name={topic} />
      </h3>
      <pre dir="ltr" tabIndex={0} aria-label="What will be sent">
        {text}
      </pre>
      <dl>
        <Fact term="On behalf of">
          <NameText name={onBehalfOf} />
        </Fact>
        <Fact term="Goes to">
          {audience === null ? 'all who receive the topic' : audience.join(', ')}
        </Fact>
        <Fact term="Message">
          {asked.class}, priority {priority}, {text.length.toLocaleString('en')} characters
          {contentType !== null && `, ${visible(contentType)}`}
        </Fact>
        <Fact term="Its grant">
          by <NameText name={grant.issuer} />: {grant.actions.join(', ')} on{' '}
          {grant.topics.join(', ')}, until {formatDate(grant.notAfter)}{' '}
          <code title={toHex(asked.authority)}>{toHex(asked.authority).slice(0, 8)}</code>
        </Fact>
        <Fact term="Needs">
          {needed.count} of {needed.names.join(', ')}
        </Fact>
        <Fact term="Proved by">{name.lines[0] ?? 'nothing'}</Fact>
        <Fact term="Time">
          {formatTimeLeft(asked.expiresAt, now)}; a yes counts once, for this message alone
        </Fact>
      </dl>
      <div class="robot-actions">
        <button class="primary" disabled={!isReady} onClick={() => void view.decide(number, true)}>
          Approve once
        </button>
        <button disabled={!isReady} onClick={() => void view.decide(number, false)}>
          Refuse
        </button>
      </div>
    </li>
  )
}

function Fact({ term, children }: { readonly term: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  )
}
