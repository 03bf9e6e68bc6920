import { dnsaddrOwner, endpointOwner, TYPE, writeDnsaddr, writeEndpoint } from '@ixj/dns'
import { parseName } from '@ixj/names'
import { AnchorSet } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import {
  openDnsNode,
  openOrganisation,
  type Organisation,
  placeOf,
} from '../../packages/node/test/dns-town.ts'
import { openFolder } from '../../packages/node/test/home-bench.ts'
import { zonesOf } from '../../packages/node/src/home.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled } from './scale.ts'

const planner = parseName('planner.acme.example')
const victim = parseName('victim.globex.example')
const host = parseName('node.globex.example')
const thief = parseName('thief.globex.example')
/** Tasks for the victim, while its endpoints lead to the thief. */
const LIFESPAN_MS = 800

describe('A20: an inbox redirected through SVCB and _dnsaddr', () => {
  it(
    'hands the node that it leads to nothing',
    async () => {
      await using open = new AsyncDisposableStack()
      const folder = open.use(await openFolder()).path
      const acme = open.use(await openOrganisation(folder, 'acme.example'))
      const globex = open.use(await openOrganisation(folder, 'globex.example'))
      const ask = [acme, globex]
      const sender = await openMember(acme, globex, planner)
      const agent = await open.use(await openDnsNode(planner, sender, { ask })).openAgent(planner)
      const there = open.use(
        await openDnsNode(thief, await openMember(globex, acme, thief), { ask }),
      )
      const heard = there.decisions()
      const { port, address } = placeOf(there)
      const tries = scaled(100)
      for (let index = 0; index < tries; index++) {
        const name = parseName(`v${index}.${victim}`)
        const { publicKey } = await (await globex.home('victims')).createKey(name)
        await globex.publishKey(name, publicKey, { hosts: [host] })
        const endpoint = writeEndpoint({ priority: 1, target: host, port, hints: ['127.0.0.1'] })
        await globex.publish(
          [endpointOwner(name), TYPE.SVCB, endpoint],
          [dnsaddrOwner(name), TYPE.TXT, writeDnsaddr(address)],
        )
        const sending = agent.send(name, 'a secret', { lifespanMs: LIFESPAN_MS })
        await expect(sending).rejects.toMatchObject({ code: 'unreachable' })
      }
      // The thief was dialled, and greeted: the row can fail.
      expect(there.neighbours).toEqual([planner])
      expect(
        report({
          id: 'A20',
          what: 'messages to inboxes whose endpoints were redirected to a node of the same organisation',
          count: heard.drain().filter(({ about }) => about === 'bundle').length,
          of: tries,
          counted: 'that reached it',
          goal: 'none',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})

/** A home of one organisation that trusts the other's zone too. */
async function openMember(own: Organisation, other: Organisation, name: typeof planner) {
  const home = await own.home(`home-of-${name}`)
  const anchors = [...(await home.readAnchors()).list, ...zonesOf(other.anchorLines)]
  await home.writeAnchors(new AnchorSet(anchors))
  await own.enter(home, name)
  return home
}
