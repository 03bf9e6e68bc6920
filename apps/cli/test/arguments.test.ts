import { expect, test, vi } from 'vitest'
import {
  addressArgument,
  keyArgument,
  markKeys,
  nameArgument,
  numberArgument,
  patternArgument,
  patternsArgument,
  textArgument,
} from '../src/arguments.ts'
import { grantArgument } from '../src/grant-argument.ts'
import { bodyText, columns, Output, printable } from '../src/output.ts'

test('nameArgument() and patternArgument() read what people type, and give canonical text', () => {
  expect(nameArgument('Bücher.Example')).toBe('xn--bcher-kva.example')
  expect(patternArgument('**.Bücher.Example')).toBe('**.xn--bcher-kva.example')
  expect(patternArgument('*.acme.example')).toBe('*.acme.example')
  expect(patternsArgument('acme.example, *.acme.example')).toEqual([
    'acme.example',
    '*.acme.example',
  ])
})

test('markKeys() keeps a key from being an option; textArgument() gives the word back', () => {
  const key = '-VjEyyGDoDSS0RspfebbGWKku-zma0djJ5FWQLDYmfc'
  const words = ['pub', '--own', key, '-', '--', key]
  const marked = markKeys(words)
  expect(marked.map((word) => word.startsWith('-'))).toEqual([false, true, false, true, true, true])
  expect(marked.map(textArgument)).toEqual(words)
  expect(marked.with(2, key)).toEqual(words)
})

test.each([
  ['acme', 'too-few-labels'],
  ['', 'empty'],
  ['a b.example', 'character'],
  ['acme.example.', 'trailing-dot'],
])('nameArgument() refuses %o with %s', (text, code) => {
  expect(() => nameArgument(text)).toThrow(expect.objectContaining({ code }) as Error)
})

test.each(['***.acme.example', 'a.*.example', '*.', '*', 'x*.acme.example'])(
  'patternArgument() refuses %o',
  (text) => {
    expect(() => patternArgument(text)).toThrow(/^Cannot read the (name|pattern) /)
  },
)

test('keyArgument() takes 32 good bytes in base64url, and says what is wrong with others', () => {
  expect(() => keyArgument('AAAA')).toThrow('Cannot read the key "AAAA"')
  expect(() => keyArgument('no key')).toThrow(
    expect.objectContaining({ code: 'encoding' }) as Error,
  )
  // The neutral element: a small-order point.
  const smallOrder = `AQ${'A'.repeat(41)}`
  expect(() => keyArgument(smallOrder)).toThrow(
    expect.objectContaining({ code: 'bad-key' }) as Error,
  )
})

test('numberArgument() takes whole numbers in its bounds', () => {
  const read = numberArgument({ min: 1, max: 30 })
  expect(['1', '30'].map((text) => read(text))).toEqual([1, 30])
  for (const text of ['0', '31', '1.5', '-1', '', '1e1', 'ten', '9'.repeat(99)]) {
    expect(() => read(text), text).toThrow('it must be a whole number from 1 to 30')
  }
})

test('addressArgument() takes multiaddrs over TCP', () => {
  for (const text of ['/ip4/127.0.0.1/tcp/0', '/dns4/node.acme.example/tcp/4001/p2p/12D3KooWA']) {
    expect(addressArgument(text)).toBe(text)
  }
  for (const text of ['localhost:4001', '/ip4/127.0.0.1', '/ip4/1.2.3.4/udp/1/quic-v1', '']) {
    expect(() => addressArgument(text), text).toThrow('Cannot read the address')
  }
})

test('grantArgument() reads actions, topics and delegates', () => {
  expect(grantArgument('publish,subscribe Crew.acme.example')).toEqual({
    actions: ['publish', 'subscribe'],
    topics: ['crew.acme.example'],
  })
  expect(
    grantArgument('answer crew.acme.example,*.acme.example ; delegate *.planner.acme.example'),
  ).toEqual({
    actions: ['answer'],
    topics: ['crew.acme.example', '*.acme.example'],
    mayDelegate: ['*.planner.acme.example'],
  })
})

test.each([
  'publish',
  'fly crew.acme.example',
  'publish, crew.acme.example',
  'publish crew.acme.example; pass *.acme.example',
  'publish crew.acme.example; delegate *.acme.example; delegate *.acme.example',
  'publish crew.acme.example more',
  'publish crew',
  '',
])('grantArgument() refuses %o', (text) => {
  expect(() => grantArgument(text)).toThrow(/^Cannot read the /)
})

test('what others wrote cannot steer a terminal or add a line', () => {
  expect(printable('a\u001B[2Jb\nc\u202Ed\u200B')).toBe('a\\u{1b}[2Jb\\u{a}c\\u{202e}d\\u{200b}')
  expect(bodyText('a\nb')).toBe('a\\u{a}b')
  expect(bodyText({ key: ['\u0000', 1.5, Number.NaN] })).toBe('{"key":["\\u0000",1.5,"NaN"]}')
  expect(bodyText(new Uint8Array(3))).toBe('(3 bytes)')
})

test('columns() are as wide as their widest cell', () => {
  expect(
    columns([
      ['a', 'bb', 'c'],
      ['aaa', 'b', ''],
    ]),
  ).toBe('a    bb  c\naaa  b')
})

test('what a bug says reaches the terminal without controls, its stack too', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    new Output({ json: false }).fail(new TypeError('bad \u001B[2J'))
    const written = write.mock.calls.map(([chunk]) => String(chunk)).join('')
    expect(written).toContain('at ')
    expect(written).not.toContain('\u001B')
  } finally {
    write.mockRestore()
  }
})
