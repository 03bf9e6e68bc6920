import { expect, test } from 'vitest'
import { forgetOldest } from '../src/forget-oldest.ts'

test('forgetOldest() lets nothing go up to the limit', () => {
  const entries = new Set(Array.from({ length: 64 }, (_, index) => index))
  forgetOldest(entries, 64)
  expect(entries.size).toBe(64)
})

test('forgetOldest() lets the oldest go, down to a sixteenth below the limit', () => {
  const entries = new Map(Array.from({ length: 65 }, (_, index) => [index, 'entry']))
  forgetOldest(entries, 64)
  expect([...entries.keys()]).toEqual(Array.from({ length: 60 }, (_, index) => index + 5))
})

test('forgetOldest() lets one go for one too many where the limit is below 16', () => {
  const entries = new Set(['one', 'two', 'three', 'four'])
  forgetOldest(entries, 3)
  expect([...entries]).toEqual(['two', 'three', 'four'])
})
