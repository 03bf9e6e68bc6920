import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Decision } from '@ixj/agent'
import { toHex, type Explanation } from '@ixj/trust'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ExplanationFile, type KeptExplanation } from '../src/explanations/explanation-file.ts'
import { worthKeeping } from '../src/explanations/explanation-keeper.ts'
import {
  EXPLANATION_MATCHES_MAX,
  EXPLAINED_MESSAGES_MAX,
  EXPLANATIONS_ACCEPTED_MAX,
  EXPLANATIONS_MAX,
  EXPLANATIONS_STATES_MAX,
} from '../src/explanations/limits.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ixj-explanations-'))
  path = join(folder, 'explanations.sqlite')
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

const answer = { state: 'yes', lines: ['as said'] } as const
const explanation: Explanation = {
  outcome: 'accepted',
  code: null,
  message: null,
  remedy: null,
  action: 'publish',
  topic: 'crew.acme.example',
  sender: 'w1.acme.example',
  onBehalfOf: 'acme.example',
  name: answer,
  key: answer,
  authority: answer,
  policy: answer,
  notes: [],
}

/** An explanation of the bundle with this number. */
function kept(number: number, changes: Partial<KeptExplanation> = {}): KeptExplanation {
  const id = number.toString(16).padStart(8, '0').padEnd(64, 'a')
  const messageIds = [1, 2].map((place) => new Uint8Array(16).fill(place).with(0, number % 256))
  return { node: 'n1', at: number, about: 'bundle', id, messageIds, explanation, ...changes }
}

describe('ExplanationFile', () => {
  it('finds a bundle by the beginning of its id, and by that of each of its messages', () => {
    using file = new ExplanationFile(path)
    file.write([kept(1), kept(2)])
    expect(file.find('00000002')).toEqual([kept(2)])
    expect(file.find(kept(1).id!)).toEqual([kept(1)])
    for (const id of kept(2).messageIds) expect(file.find(toHex(id))).toEqual([kept(2)])
    expect(file.find(toHex(kept(2).messageIds[1]!).slice(0, 8))).toEqual([kept(2)])
  })

  it('finds nothing in the midst of an id', () => {
    using file = new ExplanationFile(path)
    file.write([kept(0xabc, { messageIds: [Uint8Array.from({ length: 16 }, (_, byte) => byte)] })])
    expect(file.find('aaaaaaaa')).toEqual([])
    expect(file.find('01020304')).toEqual([])
    expect(file.find('00010203')).toHaveLength(1)
  })

  it('gives the newest first, and no more than its limit', () => {
    using file = new ExplanationFile(path)
    const all = Array.from({ length: EXPLANATION_MATCHES_MAX + 4 }, (_, at) => kept(7, { at }))
    file.write(all)
    const found = file.find('00000007')
    expect(found).toHaveLength(EXPLANATION_MATCHES_MAX)
    expect(found[0]?.at).toBe(all.length - 1)
  })

  it('keeps what was written after it is opened anew, readable while another writes', () => {
    using writer = new ExplanationFile(path)
    writer.write([kept(1)])
    using reader = new ExplanationFile(path)
    expect(reader.find('00000001')).toEqual([kept(1)])
    writer.write([kept(2)])
    expect(reader.find('00000002')).toEqual([kept(2)])
  })

  it('keeps the last of many, and forgets the others', () => {
    using file = new ExplanationFile(path)
    const all = Array.from({ length: EXPLANATIONS_MAX + 5 }, (_, number) => kept(number))
    file.write(all)
    expect(file.find('00000004')).toEqual([])
    expect(file.find('00000005')).toEqual([kept(5)])
  })

  it('is for its owner’s eyes alone', async () => {
    using file = new ExplanationFile(path)
    file.write([kept(1)])
    expect((await stat(path)).mode & 0o077).toBe(0)
  })

  it('says so where it cannot be opened', () => {
    expect(() => new ExplanationFile(join(folder, 'absent', 'x.sqlite'))).toThrow(
      expect.objectContaining({ code: 'file' }),
    )
  })
})

describe('worthKeeping()', () => {
  const accepted = (at: number) => decision(at, null)
  const refused = (at: number) => decision(at, 'policy')

  it('keeps all where there are few', () => {
    const few = [accepted(1), refused(2), accepted(3)]
    expect(worthKeeping(few)).toEqual(few)
  })

  it('of bundles with many messages keeps few', () => {
    const full = Array.from({ length: 10 }, (_, at) => ({
      ...accepted(at),
      messageIds: () => Array.from({ length: 256 }, () => new Uint8Array(16)),
    }))
    expect(worthKeeping(full)).toEqual(full.slice(-EXPLAINED_MESSAGES_MAX / 256))
  })

  it('of many that were accepted keeps the newest, and every refusal', () => {
    const many = Array.from({ length: EXPLANATIONS_ACCEPTED_MAX + 10 }, (_, at) => accepted(at))
    const old = [refused(-2), refused(-1)]
    expect(worthKeeping([...old, ...many])).toEqual([...old, ...many.slice(10)])
  })

  it('of many that are state keeps fewer, and all that is none', () => {
    const states = Array.from({ length: EXPLANATIONS_STATES_MAX + 10 }, (_, at) => state(at))
    const event = accepted(-1)
    expect(worthKeeping([event, ...states])).toEqual([event, ...states.slice(10)])
  })
})

function state(at: number): Decision {
  const trace = { bundle: { header: { class: 'state' } } }
  const grounds = () => ({ of: 'bundle', trace, at }) as ReturnType<Decision['grounds']>
  return { ...decision(at, null), grounds }
}

function decision(at: number, code: Decision['code']): Decision {
  const verdict = code === null ? 'accept' : 'ignore'
  const grounds = () => ({ of: 'other', action: 'publish', topic: '', sender: '' }) as const
  return { at, about: 'bundle', verdict, code, id: null, messageIds: () => [], grounds }
}
