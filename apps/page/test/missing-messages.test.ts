import { parseName } from '@ixj/names'
import { expect, test } from 'vitest'
import { MISSED_SENDERS_MAX } from '../src/mesh/limits.ts'
import { MissingMessages } from '../src/mesh/missing-messages.ts'

const sender = parseName('speaker.acme.example')

test('take() tells of a gap, and again when all of it has come', () => {
  const missing = new MissingMessages()
  expect(missing.take({ sender, gap: 0, late: false })).toBeUndefined()
  expect(missing.take({ sender, gap: 2, late: false })).toEqual({
    isHealed: false,
    text: '2 messages of speaker.acme.example missing',
  })
  expect(missing.left).toBe(2)
  expect(missing.take({ sender, gap: 0, late: true })).toBeUndefined()
  expect(missing.take({ sender, gap: 0, late: true })).toEqual({
    isHealed: true,
    text: '2 messages of speaker.acme.example came after all',
  })
  expect(missing.left).toBe(0)
})

test('take() takes what is late in a stream without a gap for what it is', () => {
  const missing = new MissingMessages()
  expect(missing.take({ sender, gap: 0, late: true })).toBeUndefined()
  expect(missing.left).toBe(0)
})

test('take() remembers gaps of so many senders, and tells of the others', () => {
  const missing = new MissingMessages()
  for (let index = 0; index <= MISSED_SENDERS_MAX; index++) {
    const named = parseName(`a${index}.acme.example`)
    expect(missing.take({ sender: named, gap: 1, late: false })?.isHealed).toBe(false)
  }
  expect(missing.left).toBe(MISSED_SENDERS_MAX)
})
