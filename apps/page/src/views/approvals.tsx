import type { MeshView } from '../mesh/mesh-view.ts'
import { NameText } from './name-text.tsx'

/** What others may do only if the person in this page lets them, each once. */
export function Approvals({ view }: { readonly view: MeshView }) {
  if (view.approvals.length === 0) return null
  return (
    <section class="card approvals" aria-label="Approvals" aria-live="polite">
      <header class="card-head">
        <h2>Your approval is asked</h2>
      </header>
      <ul>
        {view.approvals.map((asked) => (
          <li key={String(asked.messageId)}>
            <p>
              <NameText name={asked.sender} /> wants to {asked.action} on{' '}
              <NameText name={asked.topic} />
            </p>
            <pre>{textOf(asked.body)}</pre>
            <div class="robot-actions">
              <button class="primary" onClick={() => void view.decide(asked, true)}>
                Approve once
              </button>
              <button onClick={() => void view.decide(asked, false)}>Refuse</button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The body as it will be sent; what is no text is shown as data. */
function textOf(body: unknown): string {
  if (typeof body === 'string') return body
  return JSON.stringify(body, (_, value: unknown) =>
    value instanceof Uint8Array ? `${value.length} bytes` : value,
  )
}
