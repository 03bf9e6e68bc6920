import { TYPE } from '@ixj/dns'
import { ask } from '../../../../test/world/dns/ask.ts'
import { describeBackend } from '../backend/backend-contract.ts'
import { makeZone, serveZones } from './made-zone.ts'

describeBackend('the embedded server', async () => {
  const zone = await makeZone('agents.test')
  const server = await serveZones([zone.store])
  return {
    backend: zone.store,
    ask: async (name, type) => {
      const { answers } = await ask({ port: server.port, name, type, tcp: type === TYPE.TXT })
      return answers.filter((record) => record.name === name && record.type === type)
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await zone[Symbol.asyncDispose]()
    },
  }
})
