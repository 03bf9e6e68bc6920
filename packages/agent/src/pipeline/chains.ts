import {
  checkAuthority,
  checkName,
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

/** The chain from an anchor of ours to the sender's name and key. @throws TrustError */
export function nameChain(
  header: Header,
  material: ProofStatements,
  context: PipelineContext,
): NameChain {
  const now = context.clock.now()
  return context.chains.through(chainKey(header), now, () => {
    const value = checkName(
      { name: header.sender, key: header.key, use: 'sign', purpose: 'send' },
      { ...material, anchors: context.anchors, now },
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
  const key = `grant|${toHex(leaf)}|${header.action}|${header.topic}|${chainKey(header)}`
  return context.chains.through(key, now, () => {
    const value = checkAuthority(
      {
        leaf,
        subject: header.sender,
        subjectKey: header.key,
        action: header.action,
        topic: header.topic,
      },
      { ...material, anchors: context.anchors, now },
    )
    return { value, until: value.notAfter + SKEW_MS, rests: publishedIn(value.issuers) }
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
  return `accepted|${header.topic}|${header.sender}|${toHex(header.key)}`
}

function chainKey(header: Header): string {
  return `name|${header.sender}|${toHex(header.key)}|${toHex(header.proof)}`
}
