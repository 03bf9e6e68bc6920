import type { History, HistoryEntry } from './history.ts'

/** Entries of a trace that is printed; of longer ones the last count. */
const TRACE_ENTRIES_MAX = 60

/**
 * What led to something, for people: troubles, and the entries that name one of these labels, lives
 * or ids. Times are in seconds since the first entry.
 */
export function formatTrace(history: History, about: readonly string[]): readonly string[] {
  const start = history.entries[0]?.at ?? 0
  const named = new Set(about)
  const messages = new Set(
    history.of('handed').flatMap(({ label, id }) => (named.has(label) ? [id] : [])),
  )
  const chosen = history.entries.filter((entry) => isAbout(entry, named, messages))
  const shown = chosen.slice(-TRACE_ENTRIES_MAX)
  const left = chosen.length - shown.length
  return [
    ...(left > 0 ? [`… ${left} earlier ones`] : []),
    ...shown.map((entry) => {
      const seconds = ((entry.at - start) / 1_000).toFixed(3).padStart(8)
      return `${seconds}  ${describe(entry)}`
    }),
  ]
}

function isAbout(
  entry: HistoryEntry,
  named: ReadonlySet<string>,
  messages: ReadonlySet<string>,
): boolean {
  switch (entry.kind) {
    case 'trouble':
    case 'broken':
    case 'healed':
      return true
    case 'decided':
      return named.has(entry.id ?? '') || entry.messages.some((message) => messages.has(message))
    case 'recorded':
      return named.has(entry.id ?? '')
    case 'opened':
    case 'bound':
    case 'revoked':
      return named.has(entry.agent) || ('life' in entry && named.has(entry.life))
    case 'ended':
    case 'joined':
    case 'left':
    case 'lost':
    case 'roster':
    case 'digest':
      return named.has(entry.life)
    default:
      return named.has(entry.label)
  }
}

function describe(entry: HistoryEntry): string {
  switch (entry.kind) {
    case 'said':
      return `${entry.by} says ${entry.label} on ${entry.topic}${entry.to === null ? '' : ` to ${entry.to.join(', ')}`}`
    case 'handed':
      return `${entry.label} was handed to ${entry.peers} nodes`
    case 'unsaid':
      return `${entry.label} was not said: ${entry.code}`
    case 'done':
      return `${entry.label} is done`
    case 'heard':
      return `${entry.life} hears ${entry.label} from ${entry.sender}, gap ${entry.gap}${entry.late ? ', late' : ''}`
    case 'lost':
      return `${entry.life} lost ${entry.count} of its queue`
    case 'opened':
      return `${entry.life} opens on ${entry.node}`
    case 'ended':
      return `${entry.life} ends`
    case 'joined':
    case 'left':
      return `${entry.life} ${entry.kind} ${entry.topic}`
    case 'bound':
      return `${entry.agent} is bound until ${new Date(entry.notAfter).toISOString()}`
    case 'revoked':
      return `${entry.agent} is revoked at ${entry.node}`
    case 'decided':
      return `${entry.node} ${entry.verdict}s ${entry.id?.slice(0, 16) ?? 'bytes'}${entry.code === null ? '' : `: ${entry.code}`}`
    case 'recorded':
      return `${entry.node} records ${entry.code ?? 'accepted'} ${entry.count}`
    case 'roster':
      return `${entry.life} sees in ${entry.topic}: ${entry.members.join(', ')}`
    case 'took':
      return `${entry.life} is handed task ${entry.label}, attempt ${entry.attempt}`
    case 'did':
      return `${entry.life} has done task ${entry.label}, attempt ${entry.attempt}`
    case 'digest':
      return `${entry.life} sees ${entry.registers} registers in ${entry.topic}: ${entry.digest.slice(0, 16)}`
    case 'answered':
      return `${entry.by} answered ${entry.label}`
    case 'trouble':
      return `-- ${entry.what} ${entry.nodes.join(', ')}`
    case 'broken':
      return `-- broken: ${entry.what}`
    case 'healed':
      return '-- everything heals'
  }
}
