import type { DemoEvent } from './events.ts'

/** One line that says how the run stands; undefined where an event changes nothing for people. */
export function progressLine(event: DemoEvent): string | undefined {
  switch (event.event) {
    case 'ready':
      return `${event.node} is up`
    case 'serving':
      return `${event.zone} is served at ${event.server}`
    case 'crew':
      return `the crew is complete: ${event.members.length} workers`
    case 'progress': {
      const { done, total, workers } = event
      const width = 24
      const filled = total === 0 ? width : Math.round((width * done) / total)
      const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`
      return `${bar} ${done} of ${total} packages, ${workers} workers`
    }
    case 'missing':
      return `missing: ${event.names.join(', ')}`
    case 'done':
      return 'the job is done'
    case 'attack':
      return `attack: ${event.attack.name}`
    case 'stolen':
      return `the key of ${event.name} was stolen: it is revoked`
    case 'waiting':
      return `waiting ${Math.ceil(event.milliseconds / 1_000)} s ${event.text}`
    default:
      return undefined
  }
}
