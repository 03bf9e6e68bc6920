import { grantsOf, type Agent, type AgentError, type IncomingRequest } from '@ixj/agent'
import { matches, type Name } from '@ixj/names'
import { NOT_REACHED, toBase64url, type Explanation } from '@ixj/trust'
import { tellRefusal } from '../events.ts'

/** Tells what an agent's own library did not let it send for a request: nothing left the node. */
export function tellOwnRefusal(
  request: IncomingRequest,
  of: { readonly agent: Agent; readonly topic: Name; readonly cause: AgentError },
): void {
  const { agent, topic, cause } = of
  const { code } = cause
  const verdict = 'reject'
  tellRefusal('planner', { about: 'sending', code, verdict, id: null, explanation: explain() })

  function explain(): Explanation {
    const { identity } = agent
    const held = grantsOf(identity).filter(
      ({ statement: { actions, topics } }) =>
        actions.includes('request') && topics.some((pattern) => matches(pattern, topic)),
    )
    const lines = held.map(({ statement }) => {
      const what = `${statement.actions.join(', ')} on ${statement.topics.join(', ')}`
      return `held: ${what}, on behalf of ${statement.onBehalfOf} alone`
    })
    return {
      outcome: 'rejected',
      code,
      message: cause.message,
      remedy: `let the asker hold a grant for ${topic}, and ask it itself`,
      action: 'request',
      topic,
      sender: identity.name,
      onBehalfOf: request.onBehalfOf,
      name: { state: 'yes', lines: [`${identity.name}, asked by ${request.sender}`] },
      key: { state: 'yes', lines: [`ed25519 ${toBase64url(identity.signer.publicKey)}, its own`] },
      authority: { state: 'no', lines: ['see the reason above', ...lines] },
      policy: NOT_REACHED,
      notes: [],
    }
  }
}
