import { parseName, parseTopicString, topicString, topicStringLengthMax } from '@ixj/names'
import { describe, expect, it } from 'vitest'
import { nameTable } from './name-table.ts'
import { outcome } from './outcome.ts'

describe('parseTopicString()', () => {
  it('is the inverse of topicString() for all names of the table', () => {
    for (const { name } of nameTable.filter(({ ok }) => ok)) {
      expect(topicString(parseName(name))).toBe(`/ixj/1/${name}`)
      expect(parseTopicString(`/ixj/1/${name}`)).toBe(name)
    }
  })

  it.each([
    ['', 'empty'],
    ['acme.example', 'topic'],
    ['/ixj/2/acme.example', 'topic'],
    ['/ixj/1acme.example', 'topic'],
    ['/IXJ/1/acme.example', 'topic'],
    ['ixj/1/acme.example', 'topic'],
    [' /ixj/1/acme.example', 'topic'],
    ['/ixj/1/', 'empty'],
    ['/ixj/1//acme.example', 'character'],
    ['/ixj/1/Acme.example', 'upper-case'],
    ['/ixj/1/acme.example.', 'trailing-dot'],
    ['/ixj/1/acme.example\n', 'character'],
    ['/ixj/1/*.acme.example', 'character'],
  ])('rejects %j as %s', (text, code) => {
    expect(outcome(() => parseTopicString(text))).toEqual({ code })
  })

  it('accepts the longest name and rejects one more character', () => {
    const longest = `/ixj/1/${'a.'.repeat(126)}b`
    expect(longest).toHaveLength(topicStringLengthMax)
    expect(parseTopicString(longest)).toBe(longest.slice(7))
    expect(outcome(() => parseTopicString(`${longest}b`))).toEqual({ code: 'too-long' })
  })
})
