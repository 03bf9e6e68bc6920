import { openRfc2136Backend, parseDnsName, type TsigKey } from '@ixj/dns'
import { ask } from '../../../../test/world/dns/ask.ts'
import { startBind } from '../../../../test/world/dns/bind.ts'
import { startKnot } from '../../../../test/world/dns/knot.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'
import { zoneText } from '../../../../test/world/dns/zone-text.ts'
import { makeZone, serveZones, TEST_KEY } from '../server/made-zone.ts'
import { describeBackend, type OpenedBackend } from './backend-contract.ts'

const zone = parseDnsName('agents.test')
const text = zoneText(zone)

interface Server extends AsyncDisposable {
  readonly port: number
  readonly key: TsigKey
}

function opened(server: Server): OpenedBackend {
  const { port, key } = server
  return {
    backend: openRfc2136Backend({ zone, server: { address: '127.0.0.1', port }, key }),
    ask: async (name, type) => {
      const { answers } = await ask({ port, name, type, tcp: true })
      return answers.filter((record) => record.name === name && record.type === type)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describeBackend('BIND', async () => opened(await startBind({ zones: [{ name: zone, text }] })), {
  run: realTools('the backend contract on BIND', 'named'),
})

const knot = { run: realTools('the backend contract on Knot', 'knotd') }
describeBackend(
  'Knot that signs answers',
  async () => opened(await startKnot({ zones: [{ name: zone, text, signing: 'online' }] })),
  knot,
)
describeBackend(
  'Knot that signs the zone',
  async () => opened(await startKnot({ zones: [{ name: zone, text, signing: 'stored' }] })),
  knot,
)

describeBackend('the embedded server, from afar,', async () => {
  const made = await makeZone(zone)
  const server = await serveZones([made.store])
  return opened({
    port: server.port,
    key: TEST_KEY,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await made[Symbol.asyncDispose]()
    },
  })
})
