import { webCryptoVerifier } from '@ixj/browser'
import { openNodeVerifier } from '@ixj/node'
import { decode, encode, nobleVerifier, type Value, type Verifier } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../world/random.ts'
import { kindsOf } from './a1-kinds.ts'
import { openBench } from './bench.ts'
import { mutate } from './mutate.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

const runtimes: readonly (readonly [string, () => Verifier, number])[] = [
  ['node:crypto', () => openNodeVerifier(), 1_000_000],
  ['noble', () => nobleVerifier, 10_000],
  ['WebCrypto', () => webCryptoVerifier(crypto.subtle), 10_000],
]

describe('A1: mutated objects', () => {
  for (const [runtime, openVerifier, count] of runtimes) {
    it(
      `are accepted never, with ${runtime}`,
      async () => {
        const verifier = openVerifier()
        await using bench = await openBench(SEED, verifier)
        const kinds = await kindsOf(bench, verifier)
        const random = seededRandom(SEED)
        const each = Math.ceil(scaled(count) / kinds.length)
        let accepted = 0
        for (const { genuine, accepts } of kinds) {
          for (let round = 0; round < each; round++) {
            const [one, other] = round % 2 === 0 ? genuine : ([genuine[1], genuine[0]] as const)
            if (await accepts(mutate(one, other, random))) accepted += 1
          }
        }
        // What the mutations were made from is accepted: the row can fail.
        for (const { what, genuine, accepts } of kinds) {
          expect(await accepts(genuine[0]), `genuine ${what}`).toBe(true)
        }
        expect(
          report({
            id: 'A1',
            what: `mutated objects of ${kinds.length} kinds with ${runtime}`,
            count: accepted,
            of: each * kinds.length,
            counted: 'accepted',
            goal: 'none',
          }),
        ).toBe('met')
      },
      ROW_MS_MAX,
    )
  }

  it('and in each other’s places are accepted never', async () => {
    const verifier = openNodeVerifier()
    await using bench = await openBench(SEED, verifier)
    const kinds = await kindsOf(bench, verifier)
    let tried = 0
    const accepted: string[] = []
    for (const from of kinds) {
      for (const to of kinds.filter((each) => each.place !== from.place)) {
        for (const bytes of from.genuine.flatMap((genuine) => rewrapped(genuine))) {
          tried += 1
          if (await to.accepts(bytes)) accepted.push(`${from.what} as ${to.what}`)
        }
      }
    }
    expect(accepted).toEqual([])
    expect(
      report({
        id: 'A1',
        what: `objects of ${kinds.length} kinds in the places of all others`,
        count: accepted.length,
        of: tried,
        counted: 'accepted',
        goal: 'none',
      }),
    ).toBe('met')
  })
})

/** An object as it is, and its body and signature in the envelope of each other kind. */
function rewrapped(bytes: Uint8Array): readonly Uint8Array[] {
  let fields: readonly unknown[]
  try {
    fields = decode(bytes, { bytesMax: 128 * 1024 }) as readonly unknown[]
  } catch {
    // A checkpoint is a text.
    return [bytes]
  }
  const parts = fields.filter((field) => field instanceof Uint8Array)
  const [body] = parts
  const signature = parts.find((part) => part.length === 64 || part.length === 128)
  if (body === undefined || signature === undefined) return [bytes]
  const forms = [
    [body, signature],
    [body, signature, null],
    [body, body, signature, null],
    [body, signature, fields.at(-1) as Value],
    [body, body, signature, fields.at(-1) as Value],
  ]
  return [bytes, ...forms.map((form) => encode(form, { bytesMax: 128 * 1024 }))]
}
