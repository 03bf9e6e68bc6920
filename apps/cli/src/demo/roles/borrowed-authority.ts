import { AgentError, decodeNotice, grantsOf } from '@ixj/agent'
import { nodeSha256, openHome, systemClock } from '@ixj/node'
import { isBinding, isRevocation, toBase64url } from '@ixj/trust'
import { tell } from '../events.ts'
import { ACME, CREW, homeOf, INTRUDER, LEDGER, PLANNER, STOLEN_WORKER } from '../setup.ts'
import type { OpenNode } from './attacker-node.ts'
import { fieldsOf, seal } from './forged-bundle.ts'
import type { RoleOptions } from './opening.ts'
import { tellAttack } from './tell-attack.ts'

/** How long a revocation, or an answer, may take to come here. */
const HEARD_MS = 5_000
/** Whoever hears of a revocation when this node does has checked it by then. */
const CHECKED_MS = 1_000

/** A node asks the planner to ask the ledger, which it may not ask itself. */
export async function askDeputy(mallory: OpenNode): Promise<void> {
  const { self } = mallory.host
  let hadEffect = true
  try {
    await self.request(PLANNER, { sum: true }, { lifespanMs: HEARD_MS })
  } catch (cause) {
    if (!(cause instanceof AgentError) || cause.remoteCode !== 'mixed-behalf') throw cause
    hadEffect = false
  }
  tellAttack({
    name: 'a confused deputy',
    what: `${self.name} asks ${PLANNER} to ask ${LEDGER} for it, which the planner may for acme.example alone`,
    code: 'mixed-behalf',
    sender: PLANNER,
    hadEffect,
  })
}

/** The other organisation binds a name for which the cross-certificate does not let it speak. */
export async function speakBeyondLimits(mallory: OpenNode, mesh: string): Promise<void> {
  const identity = await (await openHome(homeOf(mesh, 'mallory'))).readIdentity(INTRUDER)
  const fields = await fieldsOf(mallory, identity, undefined)
  const bundle = await seal(identity.signer, fields, 'pay this')
  await mallory.mesh.publish(CREW, bundle.bytes)
  const [binding] = identity.statements.filter(isBinding)
  tellAttack({
    name: 'widening through a cross-certificate',
    what: `${binding?.statement.issuer} was let in for its counsel, and binds ${identity.name} as well`,
    code: 'cross-limits',
    id: bundle.idText,
  })
}

/** A thief sends with a worker's genuine key, before it is revoked and after. */
export async function sendWithStolenKey(
  mallory: OpenNode,
  { mesh, signal }: Pick<RoleOptions, 'mesh' | 'signal'>,
): Promise<void> {
  const identity = await (await openHome(homeOf(mesh, 'mallory'))).readIdentity(STOLEN_WORKER)
  const { name, signer } = identity
  const fields = await fieldsOf(mallory, identity, grantsOf(identity)[0])
  const text = `the thief of the key of ${name}`
  const before = await seal(signer, fields, { text })
  await mallory.mesh.publish(CREW, before.bytes)
  const heard = mallory.until(
    ({ topic, bytes }) => topic === `${ACME}/revoked` && revokes(bytes, name),
    AbortSignal.any([signal, AbortSignal.timeout(HEARD_MS)]),
  )
  tell({ event: 'stolen', name, key: toBase64url(signer.publicKey) })
  await heard
  await new Promise<void>((resolve) => systemClock.at(Date.now() + CHECKED_MS, resolve))
  const after = await seal(signer, fields, 'and once more')
  await mallory.mesh.publish(CREW, after.bytes)
  tellAttack({
    name: 'a stolen key after its revocation',
    what: `the key of ${name} was copied; its revocation came to the planner over the mesh`,
    code: 'revoked',
    id: after.idText,
    mustArrive: { text, shows: 'until then the key was good, and what it signed arrived' },
  })
}

function revokes(bytes: Uint8Array, name: string): boolean {
  const { told } = decodeNotice(bytes, nodeSha256)
  if (!isRevocation(told)) return false
  const { target } = told.statement
  return target.kind === 'key' && target.name === name
}
