import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDnsName, parseTsigKeys, readTsigKey } from '@ixj/dns'
import { runProgram } from '../../../../test/world/dns/programs.ts'
import { realTools } from '../../../../test/world/dns/real-tools.ts'

const secret = Buffer.from('0123456789abcdef0123456789abcdef')
const base64 = secret.toString('base64')
const bind = (name: string, algorithm = 'hmac-sha256', value = base64) =>
  `key "${name}" {\n\talgorithm ${algorithm};\n\tsecret "${value}";\n};\n`

async function withKeyFile<Result>(
  text: string,
  use: (file: string) => Promise<Result>,
): Promise<Result> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-key-'))
  const file = join(folder.path, 'tsig.key')
  await writeFile(file, text, { mode: 0o600 })
  return await use(file)
}

describe('parseTsigKeys()', () => {
  test('reads any secret in both forms, also one that looks like a comment', () => {
    const secrets = fc.oneof(
      fc.uint8Array({ minLength: 16, maxLength: 64 }),
      fc.constant(Uint8Array.from({ length: 32 }, () => 0xff)),
    )
    fc.assert(
      fc.property(secrets, (bytes) => {
        const value = Buffer.from(bytes).toString('base64')
        const knot = `# hmac-sha512:a:b\nkey:\n  - id: b.example.\n    algorithm: hmac-sha512\n    secret: ${value}\n`
        expect(parseTsigKeys(`// one\n${bind('A', 'hmac-sha384', value)}/* { */${knot}`)).toEqual([
          { name: 'a', algorithm: 'hmac-sha384', secret: bytes },
          { name: 'b.example', algorithm: 'hmac-sha512', secret: bytes },
        ])
      }),
    )
  })

  test('reads no key in a comment', () => {
    const text = `# ${bind('a').replaceAll('\n', ' ')}\n// key "b" {\n/* ${bind('c')} */`
    expect(parseTsigKeys(text)).toEqual([])
  })

  test.each([
    ['an algorithm that is broken', bind('a', 'hmac-md5'), 'unsupported'],
    ['no secret', 'key "a" { algorithm hmac-sha256; };', 'storage'],
    ['no algorithm', `key "a" { secret "${base64}"; };`, 'storage'],
    ['a secret of 15 bytes', bind('a', 'hmac-sha256', 'A'.repeat(20)), 'storage'],
    [
      'a secret that is not base64',
      bind('a', 'hmac-sha256', 'c2VjcmV0LXNlY3JldC1zZWNyZXQ'),
      'storage',
    ],
    ['a name that is none', bind('a..b'), 'name'],
  ])('refuses %s', (_, text, code) => {
    expect(() => parseTsigKeys(text)).toThrow(expect.objectContaining({ code }))
  })

  test('does not show a secret that it refuses', () => {
    const text = bind('a', 'hmac-sha256', 'c2VjcmV0LXNlY3JldC1zZWNyZXQ')
    expect(() => parseTsigKeys(text)).toThrow(/^((?!c2Vj).)*$/s)
  })
})

describe('readTsigKey()', () => {
  test('gives the only key, or the one that is asked for', async () => {
    await withKeyFile(bind('a'), async (file) => {
      expect(await readTsigKey(file)).toEqual({
        name: 'a',
        algorithm: 'hmac-sha256',
        secret: Uint8Array.from(secret),
      })
    })
    await withKeyFile(bind('a') + bind('b'), async (file) => {
      const name = parseDnsName('b')
      expect(await readTsigKey(file, { name })).toMatchObject({ name })
      await expect(readTsigKey(file)).rejects.toThrow(/there are 2: a, b/)
      const gone = readTsigKey(file, { name: parseDnsName('c') })
      await expect(gone).rejects.toMatchObject({ code: 'storage' })
    })
  })

  test('refuses a file that everybody may read, and says what cures it', async () => {
    await withKeyFile(bind('a'), async (file) => {
      await chmod(file, 0o644)
      await expect(readTsigKey(file)).rejects.toMatchObject({
        code: 'storage',
        message: expect.stringContaining(`chmod o-rwx ${file}`) as string,
      })
    })
  })

  test('refuses a file that is not there, or far too large', async () => {
    await withKeyFile('#'.repeat(65_537), async (file) => {
      await expect(readTsigKey(file)).rejects.toThrow(/limit 65536/)
      await expect(readTsigKey(`${file}.gone`)).rejects.toMatchObject({ code: 'storage' })
    })
  })

  test.runIf(realTools('keys as other programs write them', 'tsig-keygen', 'keymgr')).each([
    ['tsig-keygen', ['-a', 'hmac-sha512', 'ourtool']],
    ['keymgr', ['-t', 'ourtool', 'hmac-sha512']],
  ])('reads what %s writes', async (program, words) => {
    const { output } = await runProgram(program, words)
    await withKeyFile(output, async (file) => {
      const key = await readTsigKey(file)
      expect(key).toMatchObject({ name: 'ourtool', algorithm: 'hmac-sha512' })
      expect(output).toContain(Buffer.from(key.secret).toString('base64'))
    })
  })
})
