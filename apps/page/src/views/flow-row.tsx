import type { Flow } from '../mesh/flow-log.ts'
import { NameText } from './name-text.tsx'

/** One decision in a line, which opens its explanation. */
export function FlowRow({
  flow,
  isChosen = false,
  choose,
}: {
  readonly flow: Flow
  readonly isChosen?: boolean
  readonly choose: (flow: Flow) => void
}) {
  const { at, pattern, code, verdict, action, topic, sender, about } = flow
  const state = code === null ? 'accepted' : verdict === 'reject' ? 'rejected' : 'ignored'
  return (
    <li>
      <button
        class={`flow flow-${state}`}
        aria-pressed={isChosen}
        onClick={() => choose(flow)}
        title={code === null ? 'Accepted: why?' : `Refused: ${code}. Why?`}
      >
        <time>{timeText(at)}</time>
        <span class={`pattern pattern-${toneOf(pattern)}`}>{pattern ?? about}</span>
        <span class="flow-what">
          <NameText name={sender} />
          {/* Of what could not be read there is no more to tell. */}
          {topic !== 'unreadable' && (
            <span class="flow-act">
              {action} → {topic.split('.')[0]}
            </span>
          )}
        </span>
        <span class={`verdict verdict-${state}`}>{code ?? 'verified'}</span>
      </button>
    </li>
  )
}

/** The colour of a pattern, wherever it is shown. */
export function toneOf(pattern: string | null): string {
  switch (pattern) {
    case '1×1':
      return 'one'
    case '1×N':
      return 'out'
    case 'N×1':
      return 'in'
    case 'N×N':
      return 'all'
    default:
      return 'none'
  }
}

function timeText(at: number): string {
  const time = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}
