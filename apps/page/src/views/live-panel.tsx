import { explanationOf } from '@ixj/agent'
import { toHex } from '@ixj/trust'
import { type Flow, ratesOf } from '../mesh/flow-log.ts'
import type { MeshView } from '../mesh/mesh-view.ts'
import { type NameBranch, nameTree } from '../mesh/name-tree.ts'
import { useState } from 'preact/hooks'
import type { Pattern } from '../mesh/pattern.ts'
import { FlowRow, toneOf } from './flow-row.tsx'
import { Notices } from './notices.tsx'
import { Sparkline } from './sparkline.tsx'

/** What is known of a name in the tree. */
interface Known {
  readonly role: 'agent' | 'node' | 'self' | 'anchor'
  readonly key: string | null
  readonly lifetime: string | null
  readonly isRevoked: boolean
}

const MEANINGS: Readonly<Record<string, string>> = {
  '1×1': 'one to one',
  '1×N': 'one to many',
  'N×1': 'many to one',
  'N×N': 'many to many',
}

/** Lines of the list that are drawn. */
const ROWS_MAX = 80

/** Who is there, and what flows between them. */
export function LivePanel({
  view,
  explain,
}: {
  readonly view: MeshView
  readonly explain: (flow: Flow) => void
}) {
  const [only, setOnly] = useState<Pattern | null>(null)
  const now = Date.now()
  const shown = view.flows.flows.filter(({ pattern }) => only === null || pattern === only)
  const tree = nameTree(knownNames(view))
  return (
    <div class="live">
      <section class="rates" aria-label="Rates by pattern">
        {ratesOf(view.flows, now).map(({ pattern, perSecond, series }) => (
          <button
            key={pattern}
            class={`card rate tone-${toneOf(pattern)}`}
            aria-pressed={only === pattern}
            title={only === pattern ? 'Show all messages' : `Show ${pattern} alone`}
            onClick={() => setOnly(only === pattern ? null : pattern)}
          >
            <span class="rate-head">
              <b>{pattern}</b>
              <span class="meaning">{MEANINGS[pattern]}</span>
            </span>
            <span class="figure">
              {perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}
              <small>/s</small>
            </span>
            <Sparkline series={series} tone={toneOf(pattern)} />
          </button>
        ))}
      </section>
      <section class="card names" aria-label="Names">
        <header class="card-head">
          <h2>Names</h2>
          <span class="count">{view.members.length} present</span>
        </header>
        <ul class="tree">
          {tree.map((branch) => (
            <Branch key={branch.name} branch={branch} above="" />
          ))}
        </ul>
      </section>
      <section class="card flows" aria-label="Messages">
        <header class="card-head">
          <h2>Messages</h2>
          <span class="count">
            {view.flows.accepted.toLocaleString('en')} verified
            {view.flows.copies > 0 && ` · ${view.flows.copies.toLocaleString('en')} copies dropped`}
            {view.missing.left > 0 && (
              <b class="missing-count"> · {view.missing.left.toLocaleString('en')} missing</b>
            )}
            {view.flows.refusals.length > 0 && (
              <b class="refused-count">
                {' '}
                · {view.flows.refusals.reduce((sum, [, count]) => sum + count, 0)} refused
              </b>
            )}
          </span>
        </header>
        <ol class="flow-list">
          {shown.slice(0, ROWS_MAX).map((flow) => (
            <FlowRow key={flow.number} flow={flow} choose={explain} />
          ))}
        </ol>
        {shown.length === 0 && <p class="empty">Nothing has come in yet.</p>}
      </section>
      <Notices view={view} />
    </div>
  )
}

function Branch({ branch, above }: { readonly branch: NameBranch<Known>; readonly above: string }) {
  const { name, item, children } = branch
  const own = above === '' ? name : name.slice(0, -above.length - 1)
  return (
    <li>
      <div class={`branch${item === undefined ? '' : ` branch-${item.role}`}`}>
        <span class={`presence${item === undefined || item.isRevoked ? ' presence-none' : ''}`} />
        <span class="branch-name" title={name}>
          {own}
        </span>
        {item !== undefined && item.role !== 'agent' && (
          <span class="role">{roleText(item.role)}</span>
        )}
        {item?.isRevoked === true && <span class="role role-revoked">revoked</span>}
        {item !== undefined && item.key !== null && (
          <code class="key" title={`Key ${item.key}`}>
            {item.key.slice(0, 8)}
          </code>
        )}
        {item !== undefined && item.lifetime !== null && (
          <span class="lifetime">{item.lifetime}</span>
        )}
      </div>
      {children.length > 0 && (
        <ul>
          {children.map((child) => (
            <Branch key={child.name} branch={child} above={name} />
          ))}
        </ul>
      )}
    </li>
  )
}

function roleText(role: Known['role']): string {
  return { agent: 'agent', node: 'node', self: 'you', anchor: 'anchor' }[role]
}

/** Everybody whom this page has proof of, with the proof's own words on how long it lasts. */
function knownNames(view: MeshView): ReadonlyMap<string, Known> {
  const names = new Map<string, Known>()
  for (const node of view.node.neighbours) {
    names.set(node, { role: 'node', key: null, lifetime: null, isRevoked: false })
  }
  for (const member of view.members) {
    const { name, key } = member
    names.set(name, {
      role: 'agent',
      key: toHex(key),
      lifetime: lifetimeOf(member),
      isRevoked: view.revoked.has(name),
    })
  }
  for (const name of view.revoked.keys()) {
    if (!names.has(name))
      names.set(name, { role: 'agent', key: null, lifetime: null, isRevoked: true })
  }
  const { agent } = view.node
  const key = toHex(agent.identity.signer.publicKey)
  names.set(agent.name, { role: 'self', key, lifetime: null, isRevoked: false })
  return names
}

function lifetimeOf(member: MeshView['members'][number]): string | null {
  try {
    const lines = explanationOf(member).name.lines
    return (
      lines.find((line) => /^(bindings|statements): /.test(line))?.replace(/^\w+: /, '') ?? null
    )
  } catch {
    // Its proof has just lapsed: it leaves the list with the next sweep.
    return 'lapsed'
  }
}
