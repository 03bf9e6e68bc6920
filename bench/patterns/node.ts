import { memoryStore, openHost, type Host, type Identity } from '@ixj/agent'
import { parseName } from '@ixj/names'
import {
  generateNodeKey,
  nodeRandom,
  nodeSha256,
  nodeSigner,
  openNodeVerifier,
  openMesh,
  systemClock,
  type Mesh,
} from '@ixj/node'
import { AnchorSet, decodeStatement, fromBase64url, toBase64url } from '@ixj/trust'

/** An identity as it passes between the processes of a benchmark. */
export interface IdentityText {
  readonly name: string
  readonly seed: string
  readonly statements: readonly string[]
}

/** What a process of a benchmark is told to open. */
export interface NodeText {
  readonly node: IdentityText
  readonly anchor: { readonly name: string; readonly key: string }
}

/** A node over real libp2p on loopback. */
export interface BenchNode extends AsyncDisposable {
  readonly host: Host
  readonly mesh: Mesh
}

/** Reads an identity. */
export function readIdentity(text: IdentityText): Identity {
  return {
    name: parseName(text.name),
    signer: nodeSigner(fromBase64url(text.seed)),
    statements: text.statements.map((each) => decodeStatement(fromBase64url(each))),
  }
}

/** Writes an identity whose seed is known. */
export function writeIdentity(identity: Identity, seed: Uint8Array): IdentityText {
  return {
    name: identity.name,
    seed: toBase64url(seed),
    statements: identity.statements.map((signed) => toBase64url(signed.envelope)),
  }
}

/** Opens a node; its organisation is the one anchor. */
export async function openBenchNode(text: NodeText): Promise<BenchNode> {
  const mesh = await openMesh({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  const anchor = {
    name: parseName(text.anchor.name),
    keys: [fromBase64url(text.anchor.key)],
    purposes: ['connect', 'grant', 'send'] as const,
  }
  const host = await openHost({
    identity: readIdentity(text.node),
    anchors: new AnchorSet([anchor]),
    transport: mesh,
    clock: systemClock,
    random: nodeRandom,
    verifier: openNodeVerifier(),
    generateKey: generateNodeKey,
    store: memoryStore(),
    hash: nodeSha256,
  })
  return { host, mesh, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
}
