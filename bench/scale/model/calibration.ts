import type { Background } from '../background.ts'
import type { Survey } from '../survey.ts'

/** What things cost a node, by what was measured on small countries; CPU in ms. */
export interface Calibration {
  /** A message to a group: to check it at a node, what its copies cost there included. */
  readonly nodeMs: number
  /** To hand it to one agent of that node. */
  readonly agentMs: number
  /** A node with nobody to hear of, for each second. */
  readonly idleMs: number
  /** A node hears another's presence, or the status of a name. */
  readonly presenceMs: number
  readonly statusMs: number
  /** A node keeps one member of a group that is on another. */
  readonly memberBytes: number
  /** An idle agent. */
  readonly agentBytes: number
  /** A node whose first agent listens to a group, and each one that does. */
  readonly groupBytes: number
  readonly listenerBytes: number
  /** How often a node hears from each other node of a group, and from each name with a status. */
  readonly presencesPerSecond: number
  readonly statusesPerSecond: number
}

/**
 * The costs that explain two surveys of equally many nodes, which differ in listeners, and one of what
 * nodes hear in the background.
 * @throws Error if the surveys do not differ
 */
export function calibrate(
  few: Survey,
  many: Survey,
  { nodes, seconds, silent, statuses, presence, members, roster }: Background,
): Calibration {
  const more = many.listeners - few.listeners
  if (more <= 0) throw new Error(`Cannot calibrate: ${more} more listeners on a node`)
  const [perFew, perMany] = [messageMs(few), messageMs(many)]
  const agentMs = atLeastNothing((perMany - perFew) / more)
  const listenerBytes = (many.fillHall.bytes - few.fillHall.bytes) / many.nodes / more
  return {
    agentMs,
    nodeMs: atLeastNothing(perFew - few.listeners * agentMs),
    idleMs: silent.cpuMs / nodes / seconds,
    statusMs: atLeastNothing((statuses.cpuMs - silent.cpuMs) / statuses.heard),
    presenceMs: atLeastNothing(
      (presence.cpuMs - statuses.cpuMs) / (presence.heard - statuses.heard),
    ),
    memberBytes: roster.bytes / nodes / (members - 1),
    agentBytes: many.settle.bytes / many.nodes / many.agentsPerNode,
    groupBytes: atLeastNothing(few.fillHall.bytes / few.nodes - few.listeners * listenerBytes),
    listenerBytes,
    presencesPerSecond: (presence.heard - statuses.heard) / seconds / nodes / (members - 1),
    statusesPerSecond: statuses.heard / seconds / nodes / (nodes - 1),
  }
}

/** A difference that is lost in what else the machine does is no cost below nothing. */
function atLeastNothing(cost: number): number {
  return Math.max(0, cost)
}

/** CPU that a message to all takes at each node, without what passes meanwhile anyway. */
export function messageMs({ hall, idle, nodes, messages }: Survey): number {
  const meanwhile = (idle.cpuMs / idle.seconds) * hall.seconds
  return (hall.cpuMs - meanwhile) / messages / nodes
}

/** What each of so many listeners of a node should take. */
export function predictListenerBytes(
  { groupBytes, listenerBytes }: Calibration,
  listeners: number,
): number {
  return listenerBytes + groupBytes / listeners
}

/** What a message to all should cost at each node with so many listeners. */
export function predictMessageMs({ nodeMs, agentMs }: Calibration, listeners: number): number {
  return nodeMs + listeners * agentMs
}
