import { isReservedPool, poolOf, type Name } from '@ixj/names'
import {
  poolPattern,
  checkAuthority,
  checkName,
  checkSender,
  checkSpeaking,
  findAnchor,
  findLimit,
  holderKey,
  SKEW_MS,
  toHex,
  TrustError,
  type Authority,
  type NameChain,
  type ProofStatements,
} from '@ixj/trust'
import type { Header } from '../bundles/header.ts'
import { publishedIn } from '../neighbours/right.ts'
import type { PipelineContext } from './context.ts'

/**
 * The chain from an anchor of ours to the sender's name and key, or to the key of a node that may
 * speak for it, if it may say this. @throws TrustError
 */
export function nameChain(
  header: Header,
  material: ProofStatements,
  context: PipelineContext,
): NameChain {
  const chain = senderChain(header, material, context)
  const spoken = chain.speaker?.authority.leaf.statement.conditions
  // "What a grant of `speak` is narrowed to holds for each bundle."
  if (spoken !== undefined) {
    checkSpeaking(spoken, { topic: header.topic, isState: header.class === 'state' })
  }
  return chain
}

function senderChain(
  header: Header,
  material: ProofStatements,
  context: PipelineContext,
): NameChain {
  const { sender: name, key } = header
  const now = context.clock.now()
  const check = () =>
    checkSender(
      { name, key, purpose: 'send' },
      { ...material, anchors: context.trust.anchors, now },
    )
  // One name of a pool may be void alone, and the chain that is kept is that of the whole pool.
  if (isReservedPool(name) && context.trust.revocations.ofKey(name, key) !== undefined)
    return check()
  const cached = `sender|${chainKey({ ...header, name })}`
  const chain = context.chains.through(cached, now, () => {
    const value = check()
    return { value, until: value.notAfter + SKEW_MS, rests: publishedIn([value]) }
  })
  if (chain.name === name) return chain
  checkLimits(chain, name, context)
  return { ...chain, name }
}

/** The kept chain of a pool counts for those of its names that its root may speak for. */
function checkLimits(chain: NameChain, name: Name, context: PipelineContext): void {
  const question = { name, purpose: 'send' } as const
  const { crossCertificates: certificates, anchor } = chain
  if (certificates.length > 0) {
    const limit = findLimit({ certificates }, question)
    if (limit !== undefined)
      throw new TrustError('cross-limits', `Cannot verify name "${name}": ${limit}`)
  } else if (anchor.underRoot !== true) {
    findAnchor(question, context.trust.anchors)
  }
}

/** The chain from an anchor of ours to a name and its own key, who approves. @throws TrustError */
export function keyChain(
  holder: { readonly name: Name; readonly key: Uint8Array; readonly proof: Uint8Array },
  material: ProofStatements,
  context: PipelineContext,
): NameChain {
  const { name, key } = holder
  const now = context.clock.now()
  return context.chains.through(chainKey(holder), now, () => {
    const value = checkName(
      { name, key, use: 'sign', purpose: 'send' },
      { ...material, anchors: context.trust.anchors, now },
    )
    return { value, until: value.notAfter + SKEW_MS, rests: publishedIn([value]) }
  })
}

/** The chain of the one grant that the header names. @throws TrustError */
export function grantChain(
  header: Header,
  leaf: Uint8Array,
  material: ProofStatements,
  context: PipelineContext,
): Authority {
  const now = context.clock.now()
  const holder = chainKey({ ...header, name: header.sender })
  const key = `grant|${toHex(leaf)}|${header.action}|${header.topic}|${holder}`
  return context.chains.through(key, now, () => {
    const chain = senderChain(header, material, context)
    const value = checkAuthority(
      {
        leaf,
        subject: header.sender,
        // "Who speaks for a name uses what was granted to that name's own key."
        subjectKey: holderKey(chain),
        action: header.action,
        topic: header.topic,
      },
      { ...material, anchors: context.trust.anchors, now },
    )
    // For the key it is granted by the word of the chain as well.
    const until = Math.min(value.notAfter, chain.notAfter) + SKEW_MS
    return { value, until, rests: publishedIn([...value.issuers, chain]) }
  })
}

/** Whether the sender holds the grant that it names; known before its signature is checked. */
export function holdsGrant(
  header: Header,
  material: ProofStatements,
  context: PipelineContext,
): boolean {
  if (header.authority === null) return false
  try {
    grantChain(header, header.authority, material, context)
    return true
  } catch (cause) {
    // What is wrong with it is told at its place, if the budget allows to get there.
    if (cause instanceof TrustError) return false
    throw cause
  }
}

/** That this sender was accepted on this topic with this key. */
export function acceptedKey(header: Header): string {
  return `accepted|${header.topic}|${heldBy(header.sender)}|${toHex(header.key)}`
}

function chainKey(holder: {
  readonly name: Name
  readonly key: Uint8Array
  readonly proof: Uint8Array
}): string {
  return `name|${heldBy(holder.name)}|${toHex(holder.key)}|${toHex(holder.proof)}`
}

/** What is kept of one name of a pool counts for all, and for the pool's own name, which is none of them, never. */
function heldBy(name: Name): string {
  const pool = poolOf(name)
  return pool === undefined ? name : poolPattern(pool)
}
