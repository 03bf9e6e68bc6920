import type { MeshView } from '../mesh/mesh-view.ts'
import { APPROVALS_ID } from './approvals.tsx'
import { Mark } from './mark.tsx'
import { ThemeSwitch } from './theme-switch.tsx'

/** What the page can show. */
export type Tab = 'live' | 'explain' | 'fleet' | 'audit'

/** In the order of their keys, 1 to 4. */
export const TABS: readonly { readonly id: Tab; readonly label: string }[] = [
  { id: 'live', label: 'Live mesh' },
  { id: 'explain', label: 'Explain' },
  { id: 'fleet', label: 'Fleet' },
  { id: 'audit', label: 'Audit' },
]

/** Who one is here, over which relays, and where one looks. */
export function Header({
  view,
  tab,
  leave,
}: {
  readonly view: MeshView
  readonly tab: Tab
  readonly leave: () => Promise<void>
}) {
  const relays = view.node.relays?.relays ?? []
  const asked = view.approvals.at(Date.now()).length
  return (
    <header class="header">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <a class="brand" href="#live" aria-label="ixj">
        <Mark />
        <span>ixj</span>
      </a>
      <nav class="tabs" aria-label="Views">
        {TABS.map(({ id, label }, index) => (
          <a
            key={id}
            href={`#${id}`}
            class="tab"
            aria-current={tab === id ? 'page' : undefined}
            title={`${label} (${index + 1})`}
          >
            {label}
          </a>
        ))}
      </nav>
      <div class="who">
        {asked > 0 && (
          <button class="badge" onClick={showApprovals} title="Go to what waits for you (A)">
            {asked} to approve
          </button>
        )}
        <ul class="relays" aria-label="Relays">
          {relays.map(({ name, stands, lastEnd }) => (
            <li
              key={name}
              class={`relay relay-${stands}`}
              title={`${name}: ${stands}${lastEnd === '' ? '' : `; last: ${lastEnd}`}`}
            >
              <span class="dot" />
              <span class="relay-name">{name.split('.')[0]}</span>
            </li>
          ))}
        </ul>
        <button class="self" onClick={() => void leave()} title="Close this name on this page">
          {view.node.name}
        </button>
        <ThemeSwitch />
      </div>
    </header>
  )
}

/** Brings what waits for a person into sight, and the keyboard's focus with it. */
export function showApprovals(): void {
  const shown = document.getElementById(APPROVALS_ID)
  shown?.scrollIntoView({ block: 'start' })
  shown?.focus({ preventScroll: true })
}
