import type { Exchange } from '../src/neighbours/exchange.ts'
import type { ToldFrame } from '../src/neighbours/frames.ts'
import type { ProofBook } from '../src/neighbours/proof-book.ts'
import { Handing } from '../src/presence/handing.ts'
import {
  FRAME_ANNOUNCEMENTS_MAX,
  PRESENCE_HANDED_MAX,
  PRESENCE_HANDED_MS_MAX,
  PRESENCE_HANDED_PROOFS_MAX,
  PRESENCE_KEPT_BYTES_MAX,
} from '../src/presence/limits.ts'
import { describe, expect, it } from 'vitest'
import { CREW } from './scene.ts'

const MIB = 1024 * 1024
const NOW = 1_000_000

/** What a group hands on, to a neighbour that notes all that it gets. */
function openHanding() {
  const told: ToldFrame[] = []
  const proofs: string[] = []
  const neighbour = {
    push: (known: string) => void proofs.push(known),
    tell: (frame: ToldFrame) => void told.push(frame),
  }
  const handing = new Handing(CREW, {
    clock: { now: () => NOW, at: () => () => {} },
    transport: { subscribers: () => ['near'] },
    proofs: { get: (id: string) => id } as unknown as ProofBook,
    neighbour: () => neighbour as unknown as Exchange,
  })
  const bytes32 = (number: number) => {
    const bytes = new Uint8Array(32)
    new DataView(bytes.buffer).setUint32(0, number)
    return bytes
  }
  let proof = 0
  return {
    proofs,
    handing,
    /** A node of this number announces so many members in so many bytes. */
    keep: (node: number, { members = 1, length = 8, age = 0 } = {}) => {
      const all = Array.from({ length: members }, () => ({ proof: bytes32(++proof) }))
      const announced = { nodeKey: bytes32(node), time: NOW - age, proof: bytes32(++proof) }
      const bytes = new Uint8Array(length).fill(node)
      handing.keep({ ...announced, members: all as never }, bytes)
    },
    /** The nodes, in frames. */
    handed: () => {
      told.length = 0
      handing.met('near')
      return told.map((frame) =>
        frame.kind === 'present' ? frame.announcements.map((bytes) => bytes[0]) : [],
      )
    },
  }
}

describe('what is handed on of a group', () => {
  it('is at most 4 MiB, of which the oldest go', () => {
    const { keep, handed } = openHanding()
    const most = PRESENCE_KEPT_BYTES_MAX / MIB
    for (let node = 1; node <= most + 2; node++) keep(node, { length: MIB })
    expect(handed().flat()).toEqual(Array.from({ length: most }, (_, index) => index + 3))
  })

  it('is the newest of each node, and nothing of one that has left', () => {
    const { keep, handed } = openHanding()
    keep(1)
    keep(2)
    keep(1)
    expect(handed().flat()).toEqual([2, 1])
    keep(2, { members: 0 })
    expect(handed().flat()).toEqual([1])
  })

  it('is not older than 45 s, and what is older takes no room', () => {
    const { handing, keep, handed } = openHanding()
    keep(1, { age: PRESENCE_HANDED_MS_MAX + 1 })
    keep(2, { age: PRESENCE_HANDED_MS_MAX })
    expect(handed().flat()).toEqual([2])
    handing.sweep(NOW + 1)
    expect(handed()).toEqual([])
  })

  it('is 512 announcements and 1,024 proofs at once, in frames of 256', () => {
    const { proofs, keep, handed } = openHanding()
    for (let node = 0; node < PRESENCE_HANDED_MAX + 20; node++) keep(node, { members: 4 })
    const frames = handed()
    const full = PRESENCE_HANDED_MAX / FRAME_ANNOUNCEMENTS_MAX
    expect(frames.map((each) => each.length)).toEqual(Array(full).fill(FRAME_ANNOUNCEMENTS_MAX))
    expect(frames[0]?.[0]).toBe(20)
    expect(proofs).toHaveLength(PRESENCE_HANDED_PROOFS_MAX)
  })
})
