import type { Lane } from './lane-queue.ts'

/** Lanes are made once for many messages, and so are their keys. */
const keys = new WeakMap<Lane, string>()

/** What two lanes have in common whose messages may share a bundle. */
export function keyOf(lane: Lane): string {
  let key = keys.get(lane)
  if (key === undefined) keys.set(lane, (key = makeKey(lane)))
  return key
}

function makeKey(lane: Lane): string {
  const audience = lane.audience?.join(' ') ?? ''
  const { topic, action, class: messageClass, lifespanMs, priority, grant, beside, seal } = lane
  const ids = [grant?.idText ?? '', beside?.idText ?? '']
  return [topic, action, messageClass, lifespanMs, priority, seal, ...ids, audience].join('|')
}

/** Whether messages of a lane wait for a secret of their group. */
export function isSealedToGroup({ of, seal }: Lane): boolean {
  return of === 'group' && seal === true
}
