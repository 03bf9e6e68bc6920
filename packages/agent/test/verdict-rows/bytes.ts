// oxlint-disable vitest/no-standalone-expect -- verdicts.test.ts makes each case a test
import { AnchorSet, decode, encode, type Value } from '@ixj/trust'
import { expect } from 'vitest'
import { repackBundle, resignBundle, signTogether } from '../../../../test/world/made-bundle.ts'
import { ownAnchor, World } from '../../../../test/world/world.ts'
import { openWorldCore } from '../../../../test/world/open-core.ts'
import { ruleTable } from '../../src/pipeline/policy.ts'
import { MESSAGE_BYTES_MAX } from '../../src/transport.ts'
import { annsBundle, CREW, DESK, expectRefused, NODE, type Scene } from '../scene.ts'
import { type Case, inScene, type Rows } from './row.ts'

/** A case whose bytes are ann's next bundle to the desk, spoiled; unspoiled it passes. */
function spoiled(
  does: string,
  code: 'encoding' | 'depth' | 'form' | 'too-large' | 'announcement' | 'bad-digest',
  spoil: (bytes: Uint8Array, scene: Scene) => Uint8Array,
): Case {
  return inScene(does, async (scene) => {
    const genuine = await annsBundle(scene, DESK)
    await scene.raw.prove(NODE, genuine.proof)
    const bytes = spoil(genuine.bytes, scene)
    await expectRefused(scene, code, { bytes, on: DESK }, { genuine })
  })
}

/** A case whose header is changed and signed again by ann herself. */
function resigned(
  does: string,
  code: 'form' | 'name' | 'unsupported',
  change: (fields: Value[]) => void,
): Case {
  return inScene(does, async (scene) => {
    const genuine = await annsBundle(scene, DESK)
    const bytes = await resignBundle(genuine, scene.ann.signer, change)
    await expectRefused(scene, code, { bytes, on: DESK }, { genuine })
  })
}

/** A case whose four fields are changed without signing again. */
function repacked(
  does: string,
  code: 'form' | 'announcement' | 'bad-digest' | 'bad-signature' | 'unsupported',
  change: (fields: Value[]) => void,
): Case {
  return inScene(does, async (scene) => {
    const genuine = await annsBundle(scene, DESK)
    await scene.raw.prove(NODE, genuine.proof)
    await expectRefused(
      scene,
      code,
      { bytes: repackBundle(genuine, change), on: DESK },
      { genuine },
    )
  })
}

const flipped = (bytes: Uint8Array, index: number) => bytes.with(index, (bytes.at(index) ?? 0) ^ 1)

/** What the bytes alone decide. */
export const byteRows = {
  size: [
    {
      does: 'refuses more than 66 KiB unread; no transport of ours carries it',
      run: async () => {
        const world = new World(1)
        const acme = world.organisation('acme.example')
        const transport = world.network.open('n')
        const core = await openWorldCore(world, {
          identity: acme,
          anchors: new AnchorSet([ownAnchor(acme)]),
          policy: ruleTable(),
          transport,
        })
        const bytes = new Uint8Array(MESSAGE_BYTES_MAX + 1)
        await expect(transport.publish(CREW, bytes)).rejects.toMatchObject({ code: 'too-large' })
        expect(await core.reception.message(CREW, bytes, 'peer')).toBe('reject')
        expect(core.log.counts).toEqual(new Map([['size', 1]]))
        await core.dispose()
      },
    },
  ],
  encoding: [
    spoiled('refuses a byte too many', 'encoding', (bytes) => Uint8Array.of(...bytes, 0)),
    spoiled('refuses a byte too few', 'encoding', (bytes) => bytes.slice(0, -1)),
    spoiled('refuses a length in a longer form', 'encoding', (bytes) => {
      // The header's one byte of length (c4) becomes two (c5).
      expect(bytes[1]).toBe(0xc4)
      return Uint8Array.of(0x94, 0xc5, 0, ...bytes.slice(2))
    }),
    spoiled('refuses no bytes at all', 'encoding', () => new Uint8Array(0)),
    spoiled('refuses a map', 'encoding', () => Uint8Array.of(0x81, 0xa1, 0x61, 1)),
  ],
  'too-large': [
    spoiled('refuses more values than 65,536', 'too-large', () =>
      Uint8Array.of(0xdd, 0, 1, 0, 1, ...new Uint8Array(65_537)),
    ),
  ],
  depth: [
    spoiled('refuses arrays nested deeper than 8', 'depth', () => new Uint8Array(9).fill(0x91)),
  ],
  form: [
    spoiled('refuses what is no array of four', 'form', () => encode([1, 2, 3])),
    resigned('refuses a group’s epoch in the place of its secret’s id', 'form', (fields) => {
      fields[16] = [2, 1]
    }),
    repacked('refuses a place in a tree at its count', 'form', (fields) => {
      fields[3] = [2, 2, [new Uint8Array(32)]]
    }),
    repacked('refuses a sibling too many in a tree', 'form', (fields) => {
      fields[3] = [0, 2, [new Uint8Array(32), new Uint8Array(32)]]
    }),
    resigned('refuses a header of 17 fields', 'form', (fields) => void fields.pop()),
    resigned('refuses a lifespan over its class’s limit', 'form', (fields) => {
      fields[10] = 600_001
    }),
    resigned('refuses the place 0', 'form', (fields) => (fields[7] = 0)),
    resigned('refuses more than 256 messages', 'form', (fields) => (fields[8] = 257)),
    resigned('refuses the priority 4', 'form', (fields) => (fields[11] = 4)),
    resigned('refuses two messages of class task', 'form', (fields) => {
      fields[5] = 'task'
      fields[8] = 2
    }),
    resigned('refuses an audience of none', 'form', (fields) => (fields[14] = [])),
    resigned('refuses an audience out of order', 'form', (fields) => (fields[14] = ['b.b', 'a.a'])),
    resigned('refuses an audience of 65', 'form', (fields) => {
      fields[14] = Array.from({ length: 65 }, (_, index) => `a${index + 10}.b`)
    }),
    resigned('refuses a header over 4 KiB', 'form', (fields) => {
      fields[15] = [new Uint8Array(4_096)]
    }),
    repacked('refuses a signature of 63 bytes', 'form', (fields) => {
      fields[2] = new Uint8Array(63)
    }),
    repacked('refuses messages over 60 KiB', 'form', (fields) => {
      fields[1] = new Uint8Array(60 * 1024 + 1)
    }),
  ],
  name: [
    resigned('refuses a topic in upper case', 'name', (fields) => {
      fields[1] = 'Desk.acme.example'
    }),
    resigned('refuses a sender with a dot at its end', 'name', (fields) => {
      fields[2] = 'ann.acme.example.'
    }),
    resigned('refuses an audience that is no pattern', 'name', (fields) => (fields[14] = ['a.*'])),
  ],
  'wrong-topic': [
    inScene('refuses the crew’s bundle on the desk’s topic', async (scene) => {
      const genuine = await annsBundle(scene, CREW)
      await expectRefused(scene, 'wrong-topic', { bytes: genuine.bytes, on: DESK }, { genuine })
    }),
    inScene('refuses the desk’s bundle on the crew’s topic', async (scene) => {
      const genuine = await annsBundle(scene, DESK)
      await expectRefused(scene, 'wrong-topic', { bytes: genuine.bytes, on: CREW }, { genuine })
    }),
  ],
  announcement: [
    repacked('refuses a header without its messages', 'announcement', (fields) => {
      fields[1] = null
    }),
  ],
  'bad-key': [
    inScene('refuses the neutral point as the sender’s key', async (scene) => {
      const neutral = new Uint8Array(32).with(0, 1)
      const genuine = await annsBundle(scene, DESK)
      const bytes = await resignBundle(genuine, scene.ann.signer, (fields) => (fields[3] = neutral))
      await expectRefused(scene, 'bad-key', { bytes, on: DESK }, { genuine })
    }),
  ],
  'bad-signature': [
    repacked('refuses a signature with one bit changed', 'bad-signature', (fields) => {
      fields[2] = flipped(fields[2] as Uint8Array, 40)
    }),
    inScene('refuses another key’s signature', async (scene) => {
      const genuine = await annsBundle(scene, DESK)
      const bytes = await resignBundle(genuine, scene.raw.identity.signer, () => {})
      await scene.raw.prove(NODE, genuine.proof)
      await expectRefused(scene, 'bad-signature', { bytes, on: DESK }, { genuine })
    }),
    repacked('refuses a bundle’s own signature as one over a tree', 'bad-signature', (fields) => {
      fields[3] = [0, 2, [new Uint8Array(32)]]
    }),
    inScene('refuses a place in a tree that another bundle has', async (scene) => {
      const made = [await annsBundle(scene, DESK), await annsBundle(scene, DESK, { first: 2 })]
      const [genuine] = made
      const [one, other] = await signTogether(made, scene.ann.signer)
      const bytes = repackBundle(genuine!, (fields) => {
        fields.splice(2, 2, ...(decode(other!, { bytesMax: 70_000 }) as readonly Value[]).slice(2))
      })
      await scene.raw.prove(NODE, genuine!.proof)
      const genuineBytes = { ...genuine!, bytes: one! }
      await expectRefused(scene, 'bad-signature', { bytes, on: DESK }, { genuine: genuineBytes })
    }),
    repacked('refuses a signature whose S is not below L', 'bad-signature', (fields) => {
      fields[2] = (fields[2] as Uint8Array).with(63, 0xff)
    }),
  ],
  'bad-digest': [
    repacked('refuses other messages under a genuine header', 'bad-digest', (fields) => {
      const messages = fields[1] as Uint8Array
      fields[1] = flipped(messages, messages.length - 1)
    }),
  ],
  unsupported: [
    resigned('leaves a later version alone', 'unsupported', (fields) => (fields[0] = 2)),
    resigned('leaves a later version with more fields alone', 'unsupported', (fields) => {
      fields[0] = 2
      fields.push(null)
    }),
  ],
} satisfies Rows
