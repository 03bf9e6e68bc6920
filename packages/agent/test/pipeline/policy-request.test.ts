import { expect, it } from 'vitest'
import { isGrant } from '@ixj/trust'
import { CREW, openStation } from '../../../../test/scoreboard/bench.ts'
import { makeBundle } from '../../../../test/world/made-bundle.ts'
import { World } from '../../../../test/world/world.ts'
import { ruleTable, type PolicyRequest } from '../../src/pipeline/policy.ts'

/** A station that keeps what its policy was asked, and a worker to whom the planner delegated. */
async function openScene() {
  const world = new World(1)
  const acme = world.organisation('acme.example')
  const asked: PolicyRequest[] = []
  const policy = {
    decide: (request: PolicyRequest) => {
      asked.push(request)
      return ruleTable().decide(request)
    },
  }
  const station = await openStation(world, acme, { policy })
  const grant = { actions: ['publish'], topics: [CREW] } as const
  const planner = await world.bind(acme, 'planner.acme.example', {
    grants: [{ ...grant, mayDelegate: ['*.planner.acme.example'] }],
    uses: 'both',
    depth: 1,
  })
  const worker = await world.bind(planner, 'w1.planner.acme.example', { grants: [grant] })
  const under = worker.statements.filter(isGrant).at(-1)!
  const send = async (first: number) => {
    const made = await makeBundle(world, worker, CREW, { under, first, epoch: world.clock.now() })
    station.core.proofs.compose(await station.core.keepStatements(made.proof.statements))
    return await station.core.reception.message(CREW, made.bytes, 'peer')
  }
  return { station, world, asked, send }
}

it('the policy is asked with what was verified, those along the chain of grants included', async () => {
  const { station, world, asked, send } = await openScene()
  await using open = station
  expect(await send(1)).toBe('accept')
  expect(asked).toMatchObject([
    {
      receiver: open.core.identity.name,
      sender: 'w1.planner.acme.example',
      organisation: 'acme.example',
      ownOrganisation: 'acme.example',
      path: ['acme.example'],
      action: 'publish',
      topic: CREW,
      onBehalfOf: 'acme.example',
      basis: 'grant',
      delegators: ['acme.example', 'planner.acme.example'],
      class: 'event',
      priority: 1,
      approvals: [],
      now: world.clock.now(),
    },
  ])
})

it('a change of trust raises the generation, so that nothing that was decided before counts', async () => {
  const { station, asked, send } = await openScene()
  await using open = station
  await send(1)
  await send(2)
  open.core.trust.raise()
  await send(3)
  const [first, second, third] = asked.map(({ generation }) => generation)
  expect(second).toBe(first)
  expect(third).toBeGreaterThan(first!)
})
