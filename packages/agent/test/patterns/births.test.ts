import type { Agent, SpawnOptions } from '@ixj/agent'
import { describe, expect, it } from 'vitest'
import { bodies, toInbox, Town } from '../town.ts'

const DESK = 'desk.acme.example'
const LIFETIME = { lifetimeSeconds: 60 }
const BOSS: Partial<SpawnOptions> = {
  uses: 'both',
  depth: 2,
  grants: [{ ...toInbox(DESK), mayDelegate: ['**.boss.acme.example'] }],
}
const TO_DESK = { ...LIFETIME, grants: [toInbox(DESK)] }

const labels = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`)

/** A boss on node 1 and a desk on node 2. */
async function office() {
  const town = await Town.open(2)
  const boss = await town.agent('boss', 1, BOSS)
  const desk = await town.agent('desk', 2)
  return { town, boss, desk, host: town.nodes[0]!.host }
}

/** How many signatures an agent's own key makes from now on. */
function countSignatures({ identity }: Agent) {
  const signer = identity.signer as { sign: (data: Uint8Array) => Uint8Array }
  const genuine = signer.sign.bind(signer)
  const counts = { signatures: 0 }
  signer.sign = (data) => {
    counts.signatures += 1
    return genuine(data)
  }
  return counts
}

describe('spawnMany()', () => {
  it('makes 300 agents with bindings and grants by three signatures, each heard elsewhere', async () => {
    const { town, boss, desk } = await office()
    await using _ = town
    const counts = countSignatures(boss)
    const workers = await boss.spawnMany(labels(300), TO_DESK)
    expect(counts.signatures).toBe(3)
    const inbox = desk.messages({ queueMax: 300 })
    const sending = Promise.all(workers.map((worker) => worker.send(DESK, worker.name)))
    await town.world.until(sending)
    await town.world.pass(100)
    expect(new Set(bodies(inbox))).toEqual(new Set(workers.map(({ name }) => name)))
    expect(counts.signatures).toBe(3)
  })

  it('opens all or none: where two have one label, none is there afterwards', async () => {
    const { town, boss } = await office()
    await using _ = town
    const twice = boss.spawnMany(['a', 'b', 'a'], LIFETIME)
    await expect(twice).rejects.toMatchObject({ code: 'open-already' })
    const [a, b] = await boss.spawnMany(['a', 'b'], LIFETIME)
    expect([a!.name, b!.name]).toEqual(['a.boss.acme.example', 'b.boss.acme.example'])
  })

  it('makes none of none', async () => {
    const { town, boss } = await office()
    await using _ = town
    expect(await boss.spawnMany([], LIFETIME)).toEqual([])
  })
})

describe('an idle agent', () => {
  it('signs nothing of its own until somebody writes to it, and is reached then', async () => {
    const { town, boss, desk } = await office()
    await using _ = town
    const [worker] = await boss.spawnMany(['w'], LIFETIME)
    const counts = countSignatures(worker!)
    await town.world.pass(2_000)
    expect(counts.signatures).toBe(0)
    const grants = [toInbox(worker!.name)]
    const peer = await town.agent('peer', 2, { grants })
    await town.world.until(peer.send(worker!.name, 'wake up'))
    await town.world.pass(100)
    expect(bodies(worker!.messages())).toEqual(['wake up'])
    expect(counts.signatures).toBe(1)
    expect(desk.messages().size).toBe(0)
  })

  it('answers a request that wakes it', async () => {
    const { town, boss } = await office()
    await using _ = town
    const worker = await boss.spawn('w', LIFETIME)
    const peer = await town.agent('peer', 2, { grants: [toInbox(worker.name)] })
    void (async () => {
      for await (const request of worker.requests()) await request.reply('here')
    })()
    const answer = await town.world.until(peer.request(worker.name, 'there?'))
    expect(answer.body).toBe('here')
  })

  it('has children of its own, who are heard after both above them have closed', async () => {
    const { town, boss, desk } = await office()
    await using _ = town
    const child = await boss.spawn('child', {
      ...LIFETIME,
      uses: 'both',
      depth: 1,
      grants: [{ ...toInbox(DESK), mayDelegate: ['*.child.boss.acme.example'] }],
    })
    const grandchild = await child.spawn('grand', TO_DESK)
    await boss[Symbol.asyncDispose]()
    // Its parent's key revokes a name that has closed; a grandchild lives on until that is told.
    const sent = grandchild.send(DESK, 'still here')
    await town.world.until(sent)
    await town.world.pass(100)
    expect(bodies(desk.messages())).toEqual(['still here'])
  })

  it('says that it is closed once it is, though it never spoke', async () => {
    const { town, boss } = await office()
    await using _ = town
    const worker = await boss.spawn('w', TO_DESK)
    await worker[Symbol.asyncDispose]()
    await worker[Symbol.asyncDispose]()
    await expect(worker.send(DESK, 'too late')).rejects.toMatchObject({ code: 'closed' })
    const again = await boss.spawn('w', TO_DESK)
    expect(again.name).toBe(worker.name)
  })

  it('closes by itself when its binding has ended, the skew included', async () => {
    const { town, boss } = await office()
    await using _ = town
    const worker = await boss.spawn('w', { ...TO_DESK, lifetimeSeconds: 10 })
    await town.world.pass(69_000)
    await expect(boss.spawn('w', LIFETIME)).rejects.toMatchObject({ code: 'open-already' })
    await town.world.pass(3_000)
    await expect(worker.send(DESK, 'too late')).rejects.toMatchObject({ code: 'closed' })
    await expect(boss.spawn('w', LIFETIME)).resolves.toMatchObject({ name: worker.name })
  })
})
