import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DnsError, openSecureNames, parseDnsName } from '@ixj/dns'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const [ACME, SUB, OTHER] = ['acme.test', 'sub.acme.test', 'other.test'].map(parseDnsName) as [
  ReturnType<typeof parseDnsName>,
  ReturnType<typeof parseDnsName>,
  ReturnType<typeof parseDnsName>,
]

describe('openSecureNames()', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ixj-secure-names-'))
    file = join(folder, 'secure-names.json')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('remembers across openings, in a file of its owner alone', () => {
    const names = openSecureNames(file)
    expect(names.has(ACME)).toBe(false)
    names.add(ACME)
    expect(openSecureNames(file).has(ACME)).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, zones: ['acme.test'] })
  })

  it('writes nothing for a zone that it knows', () => {
    const names = openSecureNames(file)
    names.add(ACME)
    const { ino, mtimeMs } = statSync(file)
    names.add(ACME)
    expect(statSync(file)).toMatchObject({ ino, mtimeMs })
  })

  it('forgets a name and those below it', () => {
    const names = openSecureNames(file)
    for (const zone of [ACME, SUB, OTHER]) names.add(zone)
    expect(names.forget(parseDnsName('planner.other.test'))).toEqual([])
    expect(names.forget(ACME)).toEqual([ACME, SUB])
    expect([ACME, SUB, OTHER].map((zone) => openSecureNames(file).has(zone))).toEqual([
      false,
      false,
      true,
    ])
  })

  it('sees what another process forgot, and does not bring it back', () => {
    const [running, tool] = [openSecureNames(file), openSecureNames(file)]
    running.add(ACME)
    expect(tool.forget(ACME)).toEqual([ACME])
    expect(running.has(ACME)).toBe(false)
    running.add(ACME)
    tool.forget(ACME)
    running.add(OTHER)
    expect(openSecureNames(file).zones).toEqual([OTHER])
  })

  it.each([
    ['no JSON', '{'],
    ['another version', '{"version":2,"zones":[]}'],
    ['no list', '{"version":1}'],
    ['what is no name', '{"version":1,"zones":["Acme.test."]}'],
    ['null', 'null'],
  ])('refuses a file that has %s, rather than forget', (_what, text) => {
    writeFileSync(file, text, { mode: 0o600 })
    expect(() => openSecureNames(file)).toThrow(DnsError)
  })

  it('refuses a file that others may change', () => {
    openSecureNames(file).add(ACME)
    chmodSync(file, 0o622)
    expect(() => openSecureNames(file)).toThrow(/others may change it/)
  })

  it('goes on in memory where it cannot write, says so, and writes when it can again', () => {
    const later = join(folder, 'missing', 'secure-names.json')
    const names = openSecureNames(later)
    names.add(ACME)
    expect(names.has(ACME)).toBe(true)
    expect(names.fault).toMatchObject({ code: 'storage' })
    mkdirSync(join(folder, 'missing'))
    names.add(OTHER)
    expect(names.fault).toBeUndefined()
    expect(openSecureNames(later).zones).toEqual([ACME, OTHER])
    rmSync(join(folder, 'missing'), { recursive: true })
    // All of it was forgotten with the file; what cannot be written is not forgotten.
    names.add(SUB)
    expect(() => names.forget(SUB)).toThrow(/Cannot write/)
  })
})
