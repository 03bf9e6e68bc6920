import type { PolicyRequest } from '@ixj/agent'
import { parseName } from '@ixj/names'

/** A worker of acme that publishes to acme's crew under a grant; with what is given instead. */
export function makeRequest(fields: Partial<PolicyRequest> = {}): PolicyRequest {
  const acme = parseName('acme.example')
  return {
    receiver: parseName('node1.acme.example'),
    sender: parseName('w1.planner.acme.example'),
    organisation: acme,
    ownOrganisation: acme,
    action: 'publish',
    topic: parseName('crew.acme.example'),
    onBehalfOf: acme,
    basis: 'grant',
    delegators: [acme, parseName('planner.acme.example')],
    path: [acme],
    class: 'event',
    bytes: 200,
    priority: 1,
    approvals: [],
    freshness: 'fresh',
    now: Date.UTC(2026, 10, 26, 9, 30),
    generation: 0,
    ...fields,
  }
}
