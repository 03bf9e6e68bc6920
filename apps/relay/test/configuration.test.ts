import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  effectiveConfiguration,
  readConfiguration,
} from '../src/configuration/read-configuration.ts'
import { SETTINGS } from '../src/configuration/schema.ts'
import { RelayError } from '../src/relay-error.ts'

interface Given {
  readonly file?: string
  readonly variables?: Readonly<Record<string, string>>
  readonly flags?: Readonly<Record<string, unknown>>
}

const NAMED = { name: 'relay1.acme.example' }

async function read({ file, variables = {}, flags = NAMED }: Given) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ixj-configuration-'))
  const path = join(folder.path, 'relay.yaml')
  if (file !== undefined) await writeFile(path, file)
  try {
    return await readConfiguration({
      ...(file === undefined ? {} : { file: path }),
      variables,
      flags: new Map(Object.entries(flags)),
    })
  } catch (cause) {
    if (!(cause instanceof RelayError)) throw cause
    return cause.problems.map((problem) => problem.replace(`${folder.path}/`, ''))
  }
}

test('flags count before the environment, that before the file, and the rest is the default', async () => {
  const file =
    'listen:\n  port: 1\n  address: 127.0.0.2\ndrain: { seconds: 3 }\nlog: { level: warn }\n'
  const variables = { IXJ_RELAY_LISTEN_PORT: '2', IXJ_RELAY_DRAIN_SECONDS: '4' }
  const found = await read({ file, variables, flags: { ...NAMED, 'listen.port': '5' } })
  expect(found).toMatchObject({
    ...NAMED,
    listen: { port: 5, address: '127.0.0.2' },
    drain: { seconds: 4 },
    log: { level: 'warn' },
    limits: { connections: 24_000 },
  })
})

test('lists are lists in a file, and have commas between them in the environment', async () => {
  const file = '{ "origins": ["https://acme.example", "http://localhost:5173"] }'
  const variables = { IXJ_RELAY_DNS: 'acme.example=192.0.2.1:53, b.example=[2001:db8::1]:5353' }
  expect(await read({ file, variables })).toMatchObject({
    origins: ['https://acme.example', 'http://localhost:5173'],
    dns: [
      { zone: 'acme.example', server: { address: '192.0.2.1', port: 53 } },
      { zone: 'b.example', server: { address: '2001:db8::1', port: 5_353 } },
    ],
  })
})

describe('what is wrong is told with its place, its value and its limit', () => {
  test.each<readonly [string, Given, readonly string[]]>([
    [
      'a number outside of its bounds, in the file',
      { file: '# mine\nlisten:\n  port: 70000\n' },
      ['relay.yaml line 3: listen.port is 70000: it must be a whole number from 0 to 65535'],
    ],
    [
      'the same in the environment, and by flag',
      { variables: { IXJ_RELAY_LISTEN_PORT: '-1' }, flags: { ...NAMED, 'drain.seconds': 'soon' } },
      [
        'IXJ_RELAY_LISTEN_PORT: listen.port is "-1": it must be a whole number from 0 to 65535',
        '--drain-seconds: drain.seconds is "soon": it must be a whole number from 0 to 600',
      ],
    ],
    [
      'a name that is missing',
      { flags: {} },
      ['name is missing (--name, IXJ_RELAY_NAME): must be a name'],
    ],
    [
      'a name that is none',
      { flags: { name: 'Relay1.acme.example' } },
      [
        expect.stringMatching(
          /^--name: name is "Relay1.acme.example": it must be a name: /,
        ) as string,
      ],
    ],
    [
      'a setting that is not there, in the file',
      { file: 'listen: { prot: 1 }' },
      ['relay.yaml line 1: there is no setting listen.prot'],
    ],
    [
      'a variable that is not there',
      { variables: { IXJ_RELAY_PORT: '1' } },
      ['IXJ_RELAY_PORT: there is no such setting'],
    ],
    [
      'a value in the place of a group',
      { file: 'name: a.example\nlisten: 8080\n' },
      ['relay.yaml line 2: listen is 8080: it must be a group of settings'],
    ],
    [
      'an item of a list',
      { file: 'origins:\n  - https://acme.example/page\n' },
      [
        'relay.yaml line 1: origins is "https://acme.example/page": it must be an origin, such as https://acme.example, none, or *',
      ],
    ],
    [
      'a zone without its server',
      { flags: { ...NAMED, dns: ['acme.example'] } },
      [
        '--dns: dns is "acme.example": it must be ZONE=ADDRESS:PORT, such as acme.example=192.0.2.1:53',
      ],
    ],
    [
      'a key without its certificate',
      { flags: { ...NAMED, 'tls.key': 'key.pem' } },
      [
        'tls.certificate is missing (--tls-certificate, IXJ_RELAY_TLS_CERTIFICATE): is needed with tls.key',
      ],
    ],
    [
      'an open address without TLS',
      { flags: { ...NAMED, 'listen.address': '0.0.0.0' } },
      [
        '--listen-address: listen.address is "0.0.0.0": it is reached from elsewhere: give tls.key, proxies, or listen.plain',
      ],
    ],
    [
      'a file that is no YAML',
      { file: 'listen: {\n' },
      [expect.stringMatching(/^relay\.yaml: line 2: /) as string],
    ],
    [
      'a file with a setting twice',
      { file: 'home: a\nhome: b\n' },
      ['relay.yaml: line 2: Map keys must be unique'],
    ],
    ['a file that is a list', { file: '- 1\n' }, ['relay.yaml: it is no list of settings']],
    [
      'a file that unfolds',
      { file: 'a: &a [1]\nb: *a\n' },
      ['relay.yaml: line 2: a setting cannot refer to another'],
    ],
  ])('%s', async (_, given, problems) => {
    expect(await read(given)).toEqual(problems)
  })

  test('a secret that is too short is not repeated', async () => {
    const problems = await read({ flags: { ...NAMED, 'metrics.token': 'hush' } })
    expect(problems).toEqual([
      '--metrics-token: metrics.token must have 16 to 256 characters of A-Z a-z 0-9 . _ ~ + / -',
    ])
  })

  test('a file that is not there, and one that is too large', async () => {
    const missing = readConfiguration({ file: '/nowhere.yaml', variables: {}, flags: new Map() })
    await expect(missing).rejects.toThrow('/nowhere.yaml: it cannot be read: ENOENT')
    expect(await read({ file: `# ${'x'.repeat(70_000)}` })).toEqual([
      'relay.yaml: 70002 characters, limit 65536',
    ])
  })
})

test('what is shown to people can be read again, and has no secrets', async () => {
  const flags = {
    ...NAMED,
    'metrics.token': 'a-token-of-some-length',
    dns: ['acme.example=[::1]:53'],
  }
  const shown = effectiveConfiguration((await read({ flags })) as never)
  expect(shown).toMatchObject({ metrics: { token: '(set)' }, dns: ['acme.example=[::1]:53'] })
  expect(JSON.stringify(shown)).not.toContain('some-length')
  const again = { ...shown, metrics: {} }
  expect(await read({ file: JSON.stringify(again), flags: {} })).toMatchObject({ ...NAMED })
})

test('every setting has a flag and a variable of its own', () => {
  for (const key of ['flag', 'variable'] as const) {
    expect(new Set(SETTINGS.map((setting) => setting[key])).size).toBe(SETTINGS.length)
  }
})
