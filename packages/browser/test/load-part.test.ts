import { expect, test } from 'vitest'
import { loadAbility } from '../src/load-ability.ts'
import { loadPart } from '../src/load-part.ts'

test('loadPart() gives what was loaded', async () => {
  expect(await loadPart('births', async () => 'the part')).toBe('the part')
})

test('loadPart() says what does not come, and lets faults of the part itself through', async () => {
  const offline = new TypeError('Failed to fetch dynamically imported module')
  await expect(loadPart('births', () => Promise.reject(offline))).rejects.toMatchObject({
    name: 'BrowserError',
    code: 'unreachable',
    message: expect.stringContaining('births') as string,
    cause: offline,
  })
  const fault = new RangeError('a bug')
  await expect(loadPart('births', () => Promise.reject(fault))).rejects.toBe(fault)
})

test('loadAbility() says what does not come as an error of agents', async () => {
  const offline = new TypeError('Failed to fetch dynamically imported module')
  await expect(loadAbility('births', () => Promise.reject(offline))).rejects.toMatchObject({
    name: 'AgentError',
    code: 'unreachable',
  })
})
