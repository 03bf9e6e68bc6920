import { isAnnouncement } from '@ixj/agent'
import type { CachedId, GossipInternals } from './internals.ts'
import { OFFERED_HEARTBEATS } from './limits.ts'

/**
 * Has gossipsub offer (IHAVE) announcements once to neighbours outside of the mesh, together with others
 * or with a bundle, since what they say is said again anyway; bundles at each of three heartbeats, as it
 * does by itself. From now on it does.
 */
export function offerAnnouncementsOnce({ mcache }: Pick<GossipInternals, 'mcache'>): void {
  const offered = new WeakSet<CachedId>()
  const isBundle = ({ msgIdStr }: CachedId): boolean => {
    const data = mcache.msgs.get(msgIdStr)?.message.data
    return data !== undefined && !isAnnouncement(data)
  }
  const isPending = (entry: CachedId): boolean =>
    mcache.msgs.get(entry.msgIdStr)?.validated === true && (isBundle(entry) || !offered.has(entry))
  mcache.getGossipIDs = (topics) => {
    const recent = mcache.history.slice(0, OFFERED_HEARTBEATS)
    const pending = recent.flat().filter((entry) => topics.has(entry.topic) && isPending(entry))
    // What is in the last of these heartbeats would not be offered any more.
    const last = new Set(recent[OFFERED_HEARTBEATS - 1])
    const due = new Set(
      pending.filter((entry) => last.has(entry) || isBundle(entry)).map(({ topic }) => topic),
    )
    const ids = new Map<string, Uint8Array[]>()
    for (const entry of pending) {
      if (!due.has(entry.topic)) continue
      offered.add(entry)
      const some = ids.get(entry.topic)
      if (some === undefined) ids.set(entry.topic, [entry.msgId])
      else some.push(entry.msgId)
    }
    return ids
  }
}
