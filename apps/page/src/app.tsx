import { useEffect, useState } from 'preact/hooks'
import type { Flow } from './mesh/flow-log.ts'
import type { MeshView } from './mesh/mesh-view.ts'
import { forgetName, lastName, openSession } from './session/open-session.ts'
import { Approvals } from './views/approvals.tsx'
import { AuditPanel } from './views/audit-panel.tsx'
import { ExplainPanel } from './views/explain-panel.tsx'
import { FleetPanel } from './views/fleet-panel.tsx'
import { Header, showApprovals, TABS, type Tab } from './views/header.tsx'
import { LivePanel } from './views/live-panel.tsx'
import { Welcome } from './views/welcome.tsx'

/** The whole page: before somebody has a name here, and afterwards. */
export function App() {
  const [view, setView] = useState<MeshView | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const open = async (name: string) => {
    try {
      setProblem(null)
      setView(await openSession(name))
    } catch (cause) {
      setProblem(cause instanceof Error ? cause.message : String(cause))
    }
  }
  useEffect(() => {
    const name = lastName()
    if (name !== null && !location.hash.includes('=')) void open(name)
  }, [])
  if (view === null) return <Welcome problem={problem} open={open} />
  const leave = async () => {
    forgetName()
    setView(null)
    await view[Symbol.asyncDispose]()
  }
  return <Mesh view={view} leave={leave} />
}

function Mesh({ view, leave }: { readonly view: MeshView; readonly leave: () => Promise<void> }) {
  const [tab, setTab] = useState<Tab>(tabOf(location.hash))
  const [chosen, setChosen] = useState<Flow | null>(null)
  const [, redraw] = useState(0)
  useEffect(() => view.onChange(() => redraw((count) => count + 1)), [view])
  const asked = view.approvals.at(Date.now()).length
  useEffect(() => {
    document.title = asked === 0 ? 'ixj' : `(${asked}) ixj`
  }, [asked])
  useEffect(() => {
    const follow = () => setTab(tabOf(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isTyping =
        event.target instanceof HTMLElement && event.target.matches('input, textarea')
      if (isTyping || event.metaKey || event.ctrlKey || event.altKey) return
      if (event.key === 'a') showApprovals()
      const wanted = TABS[Number(event.key) - 1]
      if (wanted !== undefined) location.hash = wanted.id
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
  const explain = (flow: Flow) => {
    setChosen(flow)
    location.hash = 'explain'
  }
  return (
    <>
      <Header view={view} tab={tab} leave={leave} />
      <Approvals view={view} />
      <main id="main" class={`panel panel-${tab}`} tabIndex={-1}>
        {tab === 'live' && <LivePanel view={view} explain={explain} />}
        {tab === 'explain' && <ExplainPanel view={view} chosen={chosen} choose={setChosen} />}
        {tab === 'fleet' && <FleetPanel view={view} explain={explain} />}
        {tab === 'audit' && <AuditPanel view={view} />}
      </main>
    </>
  )
}

function tabOf(hash: string): Tab {
  return TABS.find(({ id }) => hash === `#${id}`)?.id ?? 'live'
}
