import { nodeSha256, nodeSigner } from '../../../test/world/native-keys.ts'
import {
  type BundleRecord,
  encodeFrame,
  encodeRecord,
  formatCheckpointList,
  leafHash,
  Leaves,
  MerkleTree,
  type NoteKey,
  signCheckpoint,
  type SignedCheckpoint,
} from '@ixj/audit'
import { concatBytes, sha256, utf8Bytes } from '@ixj/trust'
import { name } from '../../../test/world/world.ts'

export const ORIGIN = 'n1.acme.example/ixj/audit'
export const SIGNER = nodeSigner(sha256(utf8Bytes('a key made for the log alone')))
export const KEY: NoteKey = { name: ORIGIN, use: 'note', publicKey: SIGNER.publicKey }

/** A record of an accepted bundle; the number makes it one of its own. */
export function recordOf(number: number, changes: Partial<BundleRecord> = {}): BundleRecord {
  const id = (label: string) => sha256(utf8Bytes(`${label} ${number}`))
  return {
    kind: 'bundle',
    at: 1_800_000_000_000 + number,
    via: name('n2.acme.example'),
    action: 'publish',
    class: 'event',
    topic: name('crew.acme.example'),
    sender: name('w1.planner.acme.example'),
    signed: true,
    organisation: name('acme.example'),
    onBehalfOf: name('acme.example'),
    delegators: [name('acme.example'), name('planner.acme.example')],
    id: id('bundle'),
    grants: [id('root'), id('leaf')],
    proof: id('proof'),
    approvers: [],
    messages: 3,
    code: null,
    rule: 'crew may publish',
    agents: [{ name: name('w2.acme.example'), code: null }],
    agentsCount: 1,
    ...changes,
  }
}

/** The bytes of a log, and what stands in them. */
export interface MadeLog {
  readonly records: readonly Uint8Array[]
  readonly frames: readonly Uint8Array[]
  readonly leaves: Leaves
  readonly checkpoints: readonly SignedCheckpoint[]
  readonly recordBytes: Uint8Array
  readonly checkpointBytes: Uint8Array
}

/** Makes a log of so many records with checkpoints at these sizes. */
export async function makeLog(
  count: number,
  options: {
    readonly checkpointsAt: readonly number[]
    readonly from?: number
    readonly record?: (index: number) => Uint8Array
  },
): Promise<MadeLog> {
  const { checkpointsAt, from = 0 } = options
  const record = options.record ?? ((index: number) => encodeRecord(recordOf(from + index)))
  const tree = new MerkleTree(nodeSha256)
  const leaves = new Leaves()
  const records: Uint8Array[] = []
  const frames: Uint8Array[] = []
  const checkpoints: SignedCheckpoint[] = []
  for (let index = 0; index < count; index++) {
    const bytes = record(index)
    const leaf = leafHash(bytes, nodeSha256)
    tree.append(leaf)
    leaves.push(leaf)
    records.push(bytes)
    frames.push(encodeFrame(bytes, leaf))
    if (checkpointsAt.includes(index + 1)) checkpoints.push(await headOf(tree))
  }
  const checkpointBytes = formatCheckpointList(checkpoints)
  return {
    records,
    frames,
    leaves,
    checkpoints,
    recordBytes: concatBytes(...frames),
    checkpointBytes,
  }
}

function headOf(tree: MerkleTree): Promise<SignedCheckpoint> {
  return signCheckpoint(
    { origin: ORIGIN, size: tree.size, root: tree.root() },
    { signer: SIGNER, hash: nodeSha256 },
  )
}

/** Bytes in pieces, as a file is read. */
export async function* pieces(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) {
    yield bytes.subarray(offset, offset + size)
  }
}
