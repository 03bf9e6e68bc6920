import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { isAllowedInLabel } from '../src/code-point.ts'

describe('isAllowedInLabel()', () => {
  // PVALID and CONTEXTO beyond ASCII in the IDNA tables of Unicode 17.0 (`idnadata` of the Python
  // package idna 3.13), less the 86 upper-case letters of Cherokee.
  it.skipIf(process.versions['unicode'] !== '17.0')('permits as many as the IDNA tables', () => {
    let count = 0
    for (let codePoint = 0x80; codePoint <= 0x10ffff; codePoint += 1) {
      if (isAllowedInLabel(String.fromCodePoint(codePoint))) count += 1
    }
    expect(count).toBe(143_110)
  })

  it.each(
    Array.from('aé0-ßςı日あア한\u00B7\u0375\u05F3\u05F4\u30FB\u0660\u06F0\u3007\u0F0B\u06FD'),
  )('permits %j', (character) => {
    expect(isAllowedInLabel(character)).toBe(true)
  })

  it.each(
    Array.from(
      'AÉ_. \n\0ａ１²ªﬁſⅰ①𝐚😀\u200C\u200D\u200B\u00AD\uFEFF\u202E\u0640\u1100\u3164\uFE0F',
    ),
  )('refuses %j', (character) => {
    expect(isAllowedInLabel(character)).toBe(false)
  })
})

describe('punycode', () => {
  it("is npm's, not the deprecated module of Node", () => {
    const { resolve } = createRequire(import.meta.url)
    expect(resolve('punycode/punycode.es6.js')).toMatch(
      /node_modules\/punycode\/punycode\.es6\.js$/,
    )
  })
})
