import { type Bundle, hasDigest, Refusal, REMEDIES } from '@ixj/agent'
import { isAtOrBelow } from '@ixj/names'
import { nodeSha256, openNodeVerifier } from '@ixj/node/home'
import {
  type Answer,
  describeAuthority,
  describeFoundGrants,
  describeKey,
  describeNameChain,
  type Explanation,
  findGrantsAbove,
  formatTimeLeft,
  type Grant,
  isGrant,
  NOT_REACHED,
  NOTE_STATUS,
  type SignedStatement,
  signingInput,
  TrustError,
} from '@ixj/trust'
import { checkAuthorityOf, checkChain, verified } from './belief.ts'
import { findZoneKeys, rootsOf } from './zone-keys.ts'
import { type FileExplanation, type HomeContext, statementsOf } from './explain-here.ts'

/**
 * Whether a bundle's signature and chain hold here, by what lies in this home. Whether it is a
 * replay, and what the policy says, only a running node can tell.
 */
export async function explainBundle(
  bundle: Bundle,
  context: HomeContext,
): Promise<FileExplanation> {
  const { header, idText } = bundle
  const { sender, topic, action, count, sentAt, lifespanMs } = header
  const sealed = header.encryption !== null
  const life = formatTimeLeft(sentAt + lifespanMs, context.now)
  return {
    lines: [
      `bundle ${idText}: ${count} messages of class ${header.class}, lifespan ${life}`,
      ...(sealed ? [`sealed to ${topic}: nobody else can read it`] : []),
    ],
    record: { bundle: { id: idText, sender, topic, action, count, sentAt, lifespanMs, sealed } },
    explanation: await judge(bundle, context),
  }
}

async function judge(bundle: Bundle, context: HomeContext): Promise<Explanation> {
  const { header } = bundle
  const { sender: name, key } = header
  const reached: { name: Answer; key: Answer; authority: Answer } = {
    name: NOT_REACHED,
    key: NOT_REACHED,
    authority: NOT_REACHED,
  }
  const common = {
    action: header.action,
    topic: header.topic,
    sender: header.sender,
    onBehalfOf: null,
    policy: NOT_REACHED,
    notes: [NOTE_STATUS, 'replay, lifespan and policy not checked: a running node does that'],
  }
  let step: keyof typeof reached = 'key'
  let grants: readonly SignedStatement<Grant>[] = []
  try {
    await checkBytes(bundle)
    step = 'name'
    const statements = await verified(await statementsOf(context.home))
    grants = statements.filter(isGrant)
    const found = await findZoneKeys(rootsOf(name, statements), context)
    const believing = { ...context, ...found, statements }
    const chain = checkChain({ name, key, statements }, believing)
    reached.name = { state: 'yes', lines: describeNameChain(chain, context.now) }
    reached.key = { state: 'yes', lines: describeKey(chain) }
    step = 'authority'
    reached.authority = { state: 'yes', lines: authorityLines(bundle, believing) }
    return { ...common, ...reached, outcome: 'accepted', code: null, message: null, remedy: null }
  } catch (cause) {
    if (!(cause instanceof TrustError || cause instanceof Refusal)) throw cause
    const { code, message } = cause
    const { authority } = header
    const looked =
      step === 'authority' && authority !== null
        ? describeFoundGrants(findGrantsAbove(authority, grants), context.now)
        : []
    reached[step] = { state: 'no', lines: [message, ...looked] }
    const outcome = step === 'key' ? 'rejected' : 'ignored'
    return { ...common, ...reached, outcome, code, message, remedy: REMEDIES[code] }
  }
}

/** @throws Refusal `bad-digest`; TrustError `bad-signature` */
async function checkBytes(bundle: Bundle): Promise<void> {
  const { header, headerBytes, signature } = bundle
  if (!hasDigest(bundle, nodeSha256)) {
    throw new Refusal(
      'bad-digest',
      'Cannot accept bundle: its messages are not those that were signed',
    )
  }
  const input = signingInput('bundle', headerBytes)
  if (await openNodeVerifier().verify(header.key, input, signature)) return
  throw new TrustError('bad-signature', `Cannot accept bundle: it is not signed by the key in it`)
}

function authorityLines(
  { header }: Bundle,
  context: Parameters<typeof checkAuthorityOf>[1],
): readonly string[] {
  const { sender, key, topic, action, authority } = header
  if (authority !== null) {
    const question = { leaf: authority, subject: sender, subjectKey: key, action, topic }
    return describeAuthority(checkAuthorityOf(question, context), context.now)
  }
  if (isAtOrBelow(topic, sender)) return ['owner of the topic']
  return ['none is named: an answer to a request, or for the policy of an inbox to decide']
}
