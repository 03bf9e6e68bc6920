import type {
  AuthorizationCall,
  Context,
  Entities,
  EntityJson,
  TypeAndId,
} from '@cedar-policy/cedar-wasm/nodejs'
import type { PolicyRequest } from '@ixj/agent'
import { ancestors, type Name } from '@ixj/names'

const MINUTE_MS = 60_000
const DAY_MINUTES = 1_440
/** The Unix epoch was a Thursday. */
const EPOCH_WEEKDAY = 4

/** The minute of the UTC day, 0 to 1439. */
export function minuteOf(now: number): number {
  return Math.floor(now / MINUTE_MS) % DAY_MINUTES
}

/** The day of the UTC week, 1 Monday to 7 Sunday (ISO 8601). */
export function weekdayOf(now: number): number {
  const days = Math.floor(now / (MINUTE_MS * DAY_MINUTES))
  return ((days + EPOCH_WEEKDAY - 1) % 7) + 1
}

/** What the engine is asked about a request. */
export function callOf(request: PolicyRequest): Omit<AuthorizationCall, 'policies'> {
  return {
    principal: { type: 'Agent', id: request.sender },
    action: { type: 'Action', id: request.action },
    resource: { type: 'Topic', id: request.topic },
    context: contextOf(request),
    entities: entitiesOf(request),
  }
}

/** What rules call `context`. */
function contextOf(request: PolicyRequest): Context {
  return {
    receiver: reference('Agent', request.receiver),
    organisation: reference('Zone', request.organisation),
    ownOrganisation: reference('Zone', request.ownOrganisation),
    path: request.path.map((name) => reference('Zone', name)),
    onBehalfOf: reference('Agent', request.onBehalfOf),
    basis: reference('Basis', request.basis),
    delegators: request.delegators.map((name) => reference('Agent', name)),
    class: reference('Class', request.class),
    bytes: request.bytes,
    priority: request.priority,
    approvals: request.approvals.map((name) => reference('Agent', name)),
    freshness: reference('Freshness', request.freshness),
    time: request.now,
    minute: minuteOf(request.now),
    weekday: weekdayOf(request.now),
  }
}

/**
 * The names of a request and the zones that they lie in. Those of sets are left out: no rule can
 * look into a set further than whether a name is in it.
 */
function entitiesOf(request: PolicyRequest): Entities {
  const agents = new Set([request.sender, request.receiver, request.onBehalfOf])
  const zones = new Set([request.organisation, request.ownOrganisation])
  return [
    entity('Topic', request.topic, zonesOf(request.topic)),
    ...[...agents].map((name) => entity('Agent', name, zonesOf(name))),
    ...[...zones].map((name) => entity('Zone', name, zonesOf(name).slice(1))),
  ]
}

/** A zone is a slice: it holds its own name, too. */
function zonesOf(name: Name): readonly Name[] {
  return [name, ...ancestors(name)]
}

function entity(type: string, name: Name, zones: readonly Name[]): EntityJson {
  return {
    uid: { type, id: name },
    attrs: {},
    parents: zones.map((zone) => ({ type: 'Zone', id: zone })),
  }
}

function reference(type: string, id: string): { readonly __entity: TypeAndId } {
  return { __entity: { type, id } }
}
