import { memoryStore, type Store } from '@ixj/agent'
import { expect, it } from 'vitest'
import { name } from '../../../../test/world/world.ts'
import { TASK_PAGE_BYTES } from '../../src/limits.ts'
import { openStoredRecords } from '../../src/tasks/stored-records.ts'
import { outcomeOf, toInbox, Town } from '../town.ts'

const B = name('b.acme.example')
const N2 = name('n2.acme.example')
const idOf = (number: number) => number.toString(16).padStart(64, '0')

it('a record survives a restart also where the page before it could not be written', async () => {
  const kept = memoryStore()
  let room = 0
  /** A disk with so much room for a value. */
  const store: Store = {
    get: (key) => kept.get(key),
    set: async (key, value) => {
      if (value.length > room) throw new Error('ENOSPC')
      await kept.set(key, value)
    },
  }
  const open = () => openStoredRecords({ store, key: 'tasks', isEmpty: true })
  const records = await open()
  const large = new Uint8Array(TASK_PAGE_BYTES)
  const small = Uint8Array.of(2)
  const set = async () => {
    const both = [records.set(idOf(1), large), records.set(idOf(2), small)]
    return (await Promise.allSettled(both)).map(({ status }) => status)
  }
  expect(await set()).toEqual(['rejected', 'rejected'])
  room = TASK_PAGE_BYTES
  expect(await set()).toEqual(['rejected', 'fulfilled'])
  expect([...(await open()).entries()]).toEqual([[idOf(2), small]])
  room = Infinity
  await records.set(idOf(3), large)
  const ids = [...(await open()).entries()].map(([id]) => id)
  expect(ids.toSorted()).toEqual([idOf(2), idOf(3)])
})

it('an agent whose records are damaged is not opened, and no neighbour is blamed for it', async () => {
  const town = await Town.open(1)
  await using _ = town
  const { world, acme } = town
  const kept = memoryStore()
  const slow = Promise.withResolvers<void>()
  let asked = 0
  let isDamaged = true
  const store: Store = {
    get: async (key) => {
      if (!isDamaged || !key.startsWith('tasks/received/b.')) return await kept.get(key)
      asked += 1
      if (asked > 1) await slow.promise
      return Uint8Array.of(0xc1)
    },
    set: (key, value) => kept.set(key, value),
  }
  const a = await town.agent('a', 1, { grants: [toInbox(B)] })
  const { host } = await world.node(acme, N2, { store })
  await world.connect('n1.acme.example', N2)
  const identity = await world.bind(acme, B)
  const opening = outcomeOf(host.openAgent(identity))
  void outcomeOf(a.send(B, 'x', { class: 'task' }))
  await world.pass(1_000)
  // For the agent, and for the task.
  expect(asked).toBe(3)
  slow.resolve()
  await world.pass(1_000)
  expect(opening.cause).toMatchObject({ code: 'encoding' })
  expect(host.counts.get('own-fault')).toBe(1)
  expect(host.counts.get('encoding')).toBeUndefined()
  isDamaged = false
  const b = await host.openAgent(identity)
  const reading = b.tasks()[Symbol.asyncIterator]()
  const { value: task } = await world.until(reading.next())
  expect(task).toMatchObject({ body: 'x', attempt: 1 })
})

it('an agent that closes waits for the task that is being stored: opened again, it has it', async () => {
  const town = await Town.open(1)
  await using _ = town
  const { world, acme } = town
  const kept = memoryStore()
  const slow = Promise.withResolvers<void>()
  const store: Store = {
    get: (key) => kept.get(key),
    set: async (key, value) => {
      if (key.startsWith('tasks/received/b.')) await slow.promise
      await kept.set(key, value)
    },
  }
  const a = await town.agent('a', 1, { grants: [toInbox(B)] })
  const { host } = await world.node(acme, N2, { store })
  await world.connect('n1.acme.example', N2)
  const identity = await world.bind(acme, B)
  const b = await host.openAgent(identity)
  await world.pass(500)
  void outcomeOf(a.send(B, 'x', { class: 'task' }))
  await world.pass(50)
  const again = outcomeOf(b[Symbol.asyncDispose]().then(() => host.openAgent(identity)))
  await world.pass(20)
  slow.resolve()
  await world.pass(500)
  const reading = again.value!.tasks()[Symbol.asyncIterator]()
  const { value: task } = await world.until(reading.next())
  expect(task).toMatchObject({ body: 'x' })
})
