import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import {
  CONNECTIONS_MAX_DEFAULT,
  CONNECTIONS_PER_ADDRESS_MAX_DEFAULT,
  DRAIN_SECONDS_DEFAULT,
  DRAIN_SECONDS_MAX,
} from '../limits.ts'
import { described, group, notesOf, type SettingNotes } from './described.ts'
import { door } from './door-fields.ts'
import {
  addressField,
  flagField,
  list,
  multiaddrField,
  nameField,
  originField,
  relayUrlField,
  text,
  wholeNumber,
  zoneField,
} from './fields.ts'

const listen = group({
  address: described(addressField.default('127.0.0.1'), {
    value: 'ADDRESS',
    description:
      'where pages come to; elsewhere than loopback TLS is needed, or a proxy that speaks it',
  }),
  port: described(wholeNumber({ min: 0, max: 65_535 }).default(8_080), {
    value: 'PORT',
    description: '0: a free one',
  }),
  plain: described(flagField.default(false), {
    value: 'true',
    description:
      'plain HTTP even where others reach it, as in a container behind a port of its host',
  }),
})

const tls = group({
  key: described(text('must be a file').optional(), {
    value: 'FILE',
    description: 'private key, PEM; read again when it changes',
  }),
  certificate: described(text('must be a file').optional(), {
    value: 'FILE',
    description: 'certificate and its chain, PEM; read again when it changes',
  }),
})

const mesh = group({
  listen: described(list(multiaddrField).default(['/ip4/127.0.0.1/tcp/0']), {
    value: 'MULTIADDR',
    description: 'where nodes connect',
    repeatable: true,
  }),
  connect: described(list(multiaddrField).default([]), {
    value: 'MULTIADDR',
    description: 'a neighbour, dialled for ever',
    repeatable: true,
  }),
})

const page = group({
  folder: described(text('must be a folder').optional(), {
    value: 'FOLDER',
    description: 'the built web page that is served',
  }),
  connect: described(list(relayUrlField).default([]), {
    value: 'URL',
    description: 'another relay to which that page may connect',
    repeatable: true,
  }),
})

const TOKEN_RULE = 'must have 16 to 256 characters of A-Z a-z 0-9 . _ ~ + / -'

const metrics = group({
  token: described(
    text(TOKEN_RULE)
      .regex(/^[\w.~+/-]{16,256}$/, { error: TOKEN_RULE })
      .optional(),
    {
      value: 'TOKEN',
      description: 'who shows it may read /metrics on the port of pages',
      secret: true,
    },
  ),
  port: described(wholeNumber({ min: 0, max: 65_535 }).optional(), {
    value: 'PORT',
    description: 'on 127.0.0.1, for /metrics alone, without a token; 0: a free one',
  }),
})

const drain = group({
  seconds: described(
    wholeNumber({ min: 0, max: DRAIN_SECONDS_MAX }).default(DRAIN_SECONDS_DEFAULT),
    { value: 'SECONDS', description: 'how long it waits for pages to leave when it ends' },
  ),
})

const log = group({
  level: described(
    z
      .enum(['debug', 'info', 'warn', 'error'], { error: 'must be debug, info, warn or error' })
      .default('info'),
    { value: 'LEVEL', description: 'debug, info, warn or error' },
  ),
})

const limits = group({
  connections: described(wholeNumber({ min: 1, max: 1_000_000 }).default(CONNECTIONS_MAX_DEFAULT), {
    value: 'COUNT',
    description: 'connections of all kinds',
  }),
  connectionsPerAddress: described(
    wholeNumber({ min: 1, max: 1_000_000 }).default(CONNECTIONS_PER_ADDRESS_MAX_DEFAULT),
    { value: 'COUNT', description: 'connections of one address that is no proxy of ours' },
  ),
})

/** Every setting of a relay, wherever it is given. */
export const configurationSchema = z
  .strictObject({
    name: described(nameField, {
      value: 'NAME',
      description: 'the node’s name; its key and statements lie in the home',
    }),
    home: described(text('must be a folder').default(join(homedir(), '.ixj')), {
      value: 'FOLDER',
      description: 'keys, statements, trust and policy',
    }),
    proxies: described(list(addressField).default([]), {
      value: 'ADDRESS',
      description: 'a proxy in front, whose X-Forwarded-For is believed',
      repeatable: true,
    }),
    origins: described(list(originField).default([]), {
      value: 'ORIGIN',
      description: 'whose pages may log in beside its own; none: who sends no origin; *: any',
      repeatable: true,
    }),
    dns: described(list(zoneField, 256).default([]), {
      value: 'ZONE=ADDRESS:PORT',
      description: 'a zone that /dns-query answers for, and who serves it',
      repeatable: true,
    }),
    listen: listen.prefault({}),
    tls: tls.prefault({}),
    mesh: mesh.prefault({}),
    page: page.prefault({}),
    metrics: metrics.prefault({}),
    drain: drain.prefault({}),
    door: door.prefault({}),
    limits: limits.prefault({}),
    log: log.prefault({}),
  })
  .superRefine((value, context) => {
    const refuse = (path: string[], message: string) =>
      context.addIssue({ code: 'custom', path, message })
    if (value.tls.key !== undefined && value.tls.certificate === undefined) {
      refuse(['tls', 'certificate'], 'is needed with tls.key')
    }
    if (value.tls.certificate !== undefined && value.tls.key === undefined) {
      refuse(['tls', 'key'], 'is needed with tls.certificate')
    }
    const isOpen = !/^(127\.|::1$)/.test(value.listen.address)
    const isCovered = value.tls.key !== undefined || value.proxies.length > 0 || value.listen.plain
    if (isOpen && !isCovered) {
      const remedy = 'give tls.key, proxies, or listen.plain'
      refuse(['listen', 'address'], `is reached from elsewhere: ${remedy}`)
    }
  })

/** What a relay is opened with. */
export type Configuration = z.output<typeof configurationSchema>

/** One setting. */
export interface Setting extends SettingNotes {
  /** As a file has it: `['listen', 'port']`. */
  readonly path: readonly string[]
  /** As the command line has it: `--listen-port`. */
  readonly flag: string
  /** As the environment has it: `IXJ_RELAY_LISTEN_PORT`. */
  readonly variable: string
}

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = settingsOf(configurationSchema.shape, [])

function settingsOf(shape: z.ZodRawShape, above: readonly string[]): readonly Setting[] {
  return Object.entries(shape).flatMap(([key, field]) => {
    const path = [...above, key]
    const inner = field instanceof z.ZodPrefault ? field.unwrap() : field
    if (inner instanceof z.ZodObject) return settingsOf(inner.shape, path)
    const about = notesOf(field as z.ZodType)
    if (about === undefined) throw new Error(`Setting ${path.join('.')} is not described`)
    return [{ ...about, path, flag: `--${kebab(path.join('-'))}`, variable: variableOf(path) }]
  })
}

function variableOf(path: readonly string[]): string {
  return `IXJ_RELAY_${kebab(path.join('-')).replaceAll('-', '_').toUpperCase()}`
}

/** `loginMs` as flags have it: `login-ms`. */
function kebab(words: string): string {
  return words.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
