import { explanationOf } from '../../src/explanation-of.ts'
import { parsePattern } from '@ixj/names'
import { formatExplanation, type Grant, type SignedStatement } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeBundle } from '../../../../test/world/made-bundle.ts'
import { bindAnyhow, grantAnyhow, withStatements } from '../../../../test/world/made-statement.ts'
import { CREW, NODE, openScene, type Scene } from '../scene.ts'

let scene: Scene

beforeEach(async () => {
  scene = await openScene()
})

afterEach(async () => {
  await scene[Symbol.asyncDispose]()
})

/** Acme lets bob publish and pass that on; bob gives w1 more, or what it may. */
async function passedOn(actions: readonly ('publish' | 'request')[]) {
  const { world, acme } = scene
  const bob = await bindAnyhow(world, acme, 'bob.acme.example')
  const w1 = await bindAnyhow(world, bob, 'w1.bob.acme.example')
  const root = await grantAnyhow(world, acme, {
    subject: bob.name,
    topics: [CREW],
    actions: ['publish'],
    mayDelegate: [parsePattern('*.bob.acme.example')],
  })
  const child = await grantAnyhow(world, bob, {
    subject: w1.name,
    topics: [CREW],
    actions,
    onBehalfOf: acme.name,
    parent: root.id,
  })
  return { w1, root, child }
}

/** How the host explains what w1 sends under its grant, with these grants in the proof. */
async function explainUnder(
  { w1, child }: Awaited<ReturnType<typeof passedOn>>,
  grants: readonly SignedStatement<Grant>[],
) {
  const made = await makeBundle(scene.world, withStatements(w1, ...grants), CREW, { under: child })
  await scene.raw.prove(NODE, made.proof)
  scene.decisions.drain()
  await scene.raw.transport.publish(CREW, made.bytes)
  await scene.world.pass(20)
  const decision = scene.decisions.drain().find(({ about }) => about === 'bundle')
  if (decision === undefined) throw new Error('The host decided about no bundle')
  return explanationOf(decision)
}

const ROOT = 'bob.acme.example (publish on crew.acme.example; may delegate to *.bob…)'

describe('the explanation of a bundle whose authority is refused', () => {
  it('shows the chain of grants that was looked at, each as it claims', async () => {
    const passed = await passedOn(['publish', 'request'])
    const explanation = await explainUnder(passed, [passed.root, passed.child])
    expect(explanation.code).toBe('wider-than-parent')
    expect(explanation.authority).toEqual({
      state: 'no',
      lines: [
        'see the reason above',
        'looked at:',
        `acme.example → ${ROOT} → w1.bob.acme.example (publish, request on crew.acme.example)`,
      ],
    })
    const columns = formatExplanation(explanation, { columns: 60 }).split('\n')
    expect(columns.filter((line) => line.length > 60)).toEqual([])
  })

  it('shows no chain as refused where it holds', async () => {
    const passed = await passedOn(['publish'])
    const explanation = await explainUnder(passed, [passed.root, passed.child])
    expect(explanation.outcome).toBe('accepted')
    expect(explanation.authority.lines).not.toContain('looked at:')
  })
})
