import { parseName, type Name } from '@ixj/names'
import { DnsError, type NamespaceManager } from '@ixj/dns'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FailingBackend, indexOf, keyRecord, KEYS, openScene, type Scene, seed } from './scene.ts'

const names = ['a', 'b', 'c'].map((label) => parseName(`${label}.acme.example`))
/** What can be done, the frequent ones more than once. */
const verbs = [
  'publish',
  'publish',
  'publish',
  'move',
  'renew',
  'move',
  'rotate',
  'suspend',
  'resume',
  'remove',
] as const

interface Step {
  readonly name: number
  readonly verb: (typeof verbs)[number]
  readonly key: number
  readonly fails: 'no' | 'before' | 'after'
  readonly ms: number
}

const step: fc.Arbitrary<Step> = fc.record({
  name: fc.nat(names.length - 1),
  verb: fc.constantFrom(...verbs),
  key: fc.nat(KEYS.length - 1),
  fails: fc.constantFrom('no', 'no', 'before', 'after'),
  ms: fc.constantFrom(0, 1, 1_000, 7_500, 60_000),
})

async function take(namespace: NamespaceManager, { name: index, verb, key }: Step): Promise<void> {
  const name = names[index]!
  switch (verb) {
    case 'publish':
      await namespace.publish(name, {
        keys: [keyRecord({ key: KEYS[key]! })],
        leaseSeconds: key % 2 === 0 ? null : 60,
      })
      return
    case 'renew':
      await namespace.renew(name)
      return
    case 'move':
      await namespace.renew(name, { places: { addresses: [`/dns4/node${key}/tcp/1`] } })
      return
    case 'rotate':
      await namespace.rotate(name, { nextKey: KEYS[key]!, overlapSeconds: 5 })
      return
    case 'suspend':
    case 'resume':
    case 'remove':
      await namespace[verb](name)
  }
}

/** The zone has exactly what the leases of names that are published say. */
async function expectAgreement(scene: Scene): Promise<void> {
  const leases = scene.leases.all()
  const wanted: string[] = []
  for (const lease of leases) {
    expect(lease.work, `nothing is left to do for ${lease.name}`).toBeNull()
    expect(['published', 'suspended']).toContain(lease.phase)
    if (lease.phase === 'suspended') continue
    expect(await scene.keys(lease.name)).toEqual(lease.keys)
    wanted.push(`_ixjkey.${lease.name} TXT`, ...lease.sets.map(({ name }) => `${name} TXT`))
  }
  expect(await scene.rrsets()).toEqual(wanted.toSorted())
}

test('whatever is done and fails, zone and leases agree when the zone answers again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 16 }), async (steps) => {
      await using scene = await openScene()
      const backend = new FailingBackend(scene.zone)
      await using namespace = await scene.open({ backend, signatureSeconds: 10 })
      const gone = new Set<string>()
      for (const each of steps) {
        const held = scene.leases.get(names[each.name] as Name)?.keys ?? []
        backend.fail = (moment) => {
          if (moment === each.fails) throw new DnsError('unreachable', 'Cannot reach the server')
        }
        const failure = await take(namespace, each).catch((cause: unknown) => cause)
        expect(failure === undefined || failure instanceof DnsError).toBe(true)
        if (failure === undefined && each.verb === 'remove') {
          for (const { key } of held) gone.add(`${each.name} ${indexOf(key)}`)
        }
        await scene.clock.advance(each.ms)
      }
      backend.fail = () => undefined
      // Longer than any wait between two tries that this walk can have come to.
      await scene.clock.advance(40_000)
      await scene.clock.advance(300_000)
      await expectAgreement(scene)
      const reported = new Set(
        scene.removed.map(({ name, key }) => `${names.indexOf(name)} ${indexOf(key)}`),
      )
      for (const key of gone) expect(reported).toContain(key)
    }),
    { seed, numRuns: 40 },
  )
}, 60_000)
