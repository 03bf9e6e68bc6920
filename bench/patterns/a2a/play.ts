import { type AgentCard, type Message, Role } from '@a2a-js/sdk'
import { ClientFactory, type Client } from '@a2a-js/sdk/client'
import {
  AgentEvent,
  DefaultRequestHandler,
  InMemoryTaskStore,
  type AgentExecutor,
} from '@a2a-js/sdk/server'
import { jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express'
import express from 'express'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:https'
import { agentsOf, processOf, sendersIn, type AgentNumber } from '../cast.ts'
import { listening, sendEach, tlsOptions } from '../https/posting.ts'
import type { OpenPlayer, Take } from '../player.ts'

/** Requests of a process that are on their way at once; the SDK's fetch opens connections for them. */
const WINDOW = 64

/**
 * A2A by its own SDK, as its samples have it: JSON-RPC over HTTPS, the server in Express, a task
 * store in memory; an agent answers each message with a message. To many is a request to each.
 */
export const openA2a: OpenPlayer = async (part, take) => {
  const application = express()
  for (const agent of agentsOf(part.process, part.cast)) {
    const handler = new DefaultRequestHandler(
      cardOf(agent, 0),
      new InMemoryTaskStore(),
      executorOf(agent, take),
    )
    application.use(
      pathOf(agent),
      jsonRpcHandler({ requestHandler: handler, userBuilder: UserBuilder.noAuthentication }),
    )
  }
  const server = createServer(tlsOptions(part).server, application)
  const port = await listening(server)
  const factory = new ClientFactory()
  const clients = new Map<AgentNumber, Promise<Client>>()
  let ports: readonly number[] = []
  const post = async (agent: AgentNumber, body: Uint8Array, action: Action) => {
    let client = clients.get(agent)
    if (client === undefined) {
      const address = ports[processOf(agent, part.cast)] ?? 0
      client = factory.createFromAgentCard(cardOf(agent, address))
      clients.set(agent, client)
    }
    return await (
      await client
    ).sendMessage({
      tenant: '',
      message: messageOf(Role.ROLE_USER, Buffer.from(body)),
      configuration: undefined,
      metadata: { action },
    })
  }
  return {
    card: String(port),
    meet: async (cards) => {
      ports = cards.map(Number)
    },
    send: (sending) =>
      sendEach(sending, WINDOW / sendersIn(part.process, sending.run, part.cast), (agent, body) =>
        post(agent, body, 'take'),
      ),
    ask: async (body) => void (await post(1, body, 'ask')),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

type Action = 'take' | 'ask'

/** Takes a message and says so, or sends a question back. */
function executorOf(agent: AgentNumber, take: Take): AgentExecutor {
  return {
    execute: async ({ request, userMessage, contextId }, bus) => {
      const content = userMessage.parts[0]?.content
      if (content?.$case !== 'raw') throw new Error('Expected a message of bytes')
      const isAsked = request.metadata?.['action'] === 'ask'
      if (!isAsked) take(agent, content.value)
      const answer = messageOf(Role.ROLE_AGENT, isAsked ? content.value : Buffer.alloc(0))
      bus.publish(AgentEvent.message({ ...answer, contextId }))
      bus.finished()
    },
    cancelTask: async () => {},
  }
}

function messageOf(role: Role, bytes: Buffer): Message {
  return {
    messageId: randomUUID(),
    contextId: '',
    taskId: '',
    role,
    parts: [
      {
        content: { $case: 'raw', value: bytes },
        metadata: undefined,
        filename: '',
        mediaType: 'application/octet-stream',
      },
    ],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  }
}

function pathOf(agent: AgentNumber): string {
  return `/agents/${agent}`
}

function cardOf(agent: AgentNumber, port: number): AgentCard {
  return {
    name: `Agent ${agent}`,
    description: 'Takes messages',
    supportedInterfaces: [
      {
        url: `https://127.0.0.1:${port}${pathOf(agent)}`,
        protocolBinding: 'JSONRPC',
        tenant: '',
        protocolVersion: '1.0',
      },
    ],
    provider: undefined,
    version: '1.0.0',
    capabilities: { streaming: false, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: ['application/octet-stream'],
    defaultOutputModes: ['application/octet-stream'],
    skills: [],
    signatures: [],
  }
}
