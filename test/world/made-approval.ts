import {
  decodeApproval,
  encodeMessages,
  provingStatements,
  signApproval,
  termsOf,
  type Approval,
  type Approved,
  type Identity,
  type MessagePart,
} from '@ixj/agent'
import { nodeSha256 } from '@ixj/node'
import { isBinding, sortedSet, type Grant, type SignedStatement } from '@ixj/trust'
import { makeBundle, partOf, proofOf, type BundleChanges, type MadeBundle } from './made-bundle.ts'
import { name, type World } from './world.ts'

/** One message under a grant, that approvers are to let pass. */
export interface ToApprove {
  readonly sender: Identity
  readonly topic: string
  readonly under: SignedStatement<Grant>
  readonly part: MessagePart
}

/** A message that says so. */
export function toApprove(
  world: World,
  sender: Identity,
  topic: string,
  under: SignedStatement<Grant>,
): ToApprove {
  return { sender, topic, under, part: partOf(world, 'open the valve') }
}

/** Signs an approval by hand, for what is asked or for something else. */
export async function approveBy(
  world: World,
  approver: Identity,
  asked: ToApprove,
  changes: Partial<Approved & { readonly time: number; readonly to: readonly string[] }> = {},
): Promise<Approval> {
  const { time = world.clock.now(), to, ...fields } = changes
  const terms = { action: 'publish', class: 'event', priority: 1, audience: to ?? null }
  const approved = {
    topic: name(asked.topic),
    sender: asked.sender.name,
    authority: asked.under.id,
    messageId: asked.part.id,
    digest: nodeSha256(encodeMessages([asked.part])),
    terms: termsOf(terms, nodeSha256),
    notAfter: time + 60_000,
    ...fields,
  }
  const signature = { signer: approver.name, time, nonce: world.bytes(16) }
  return decodeApproval(await signApproval(approved, signature, approver.signer))
}

/** A bundle with the message and these approvals, and with the approvers' bindings in its proof. */
export async function makeApproved(
  world: World,
  asked: ToApprove,
  by: {
    readonly approvers: readonly Identity[]
    readonly approvals: readonly Approval[]
    readonly changes?: BundleChanges
  },
): Promise<MadeBundle> {
  const { sender, topic, under, part } = asked
  const statements = [
    ...provingStatements(sender, [under]),
    ...by.approvers.flatMap((approver) => provingStatements(approver, [])),
  ]
  const once = [...new Map(statements.map((signed) => [signed.idText, signed])).values()]
  const bindings = once
    .filter((signed) => isBinding(signed))
    .toSorted((one, other) => one.statement.name.length - other.statement.name.length)
  const grants = once.filter((signed) => !isBinding(signed))
  return await makeBundle(world, sender, topic, {
    under,
    parts: [part],
    made: proofOf([...bindings, ...grants]),
    approvals: sortedSet(by.approvals, ({ signed }) => signed.signerKey),
    ...by.changes,
  })
}

/** A grant's condition: that many of these names. */
export function approvalsOf(count: number, ...names: readonly string[]) {
  return ['approvals', [count, names.map((text) => name(text)).toSorted()]] as const
}
