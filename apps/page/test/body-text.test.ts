import { expect, test } from 'vitest'
import { bodyText } from '../src/views/body-text.ts'

test('bodyText() shows every byte of what is approved', () => {
  expect(bodyText(Uint8Array.of(0, 171))).toBe('"0x00ab"')
  expect(bodyText({ to: ['dock', 3] })).toBe('{\n "to": [\n  "dock",\n  3\n ]\n}')
})

test('bodyText() tells what would turn or hide the text around it', () => {
  expect(bodyText('pay \u202e001\u200b\nnow')).toBe('pay \\u{202e}001\\u{200b}\nnow')
})
