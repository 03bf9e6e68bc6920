import type { MeshView } from '../mesh/mesh-view.ts'

/** What was done here, and what came of it. */
export function Notices({ view }: { readonly view: MeshView }) {
  if (view.notices.length === 0) return null
  return (
    <section class="card notices" aria-label="What happened" aria-live="polite">
      <header class="card-head">
        <h2>What happened</h2>
      </header>
      <ul>
        {view.notices.slice(0, 12).map(({ at, kind, text }, index) => (
          <li key={`${at} ${index}`} class={`notice notice-${kind}`}>
            {text}
          </li>
        ))}
      </ul>
    </section>
  )
}
