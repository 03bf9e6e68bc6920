import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueTo } from '@ixj/agent'
import { parseName } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock } from '@ixj/node/home'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { pino } from 'pino'
import { newCertificate } from '../../../test/world/dns/unbound.ts'
import { readConfiguration } from '../src/configuration/read-configuration.ts'
import { Relay } from '../src/relay.ts'

/** The name that relays of a bench have. */
export const RELAY = 'relay1.acme.example'

/** An answer over HTTP. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** A line of a relay's log. */
export type LogLine = Readonly<Record<string, unknown>>

/** What a request is, beside its path. */
export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** PEM: the one authority that counts; then it goes over TLS. */
  readonly authority?: string
}

/** Asks a server of this machine, the path as it stands: nothing of it is tidied up. */
export async function fetchRaw(url: string, path: string, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, authority } = asking
  const { hostname, port } = new URL(url)
  const options = { host: hostname, port, method, path, headers, agent: false } as const
  const sent =
    authority === undefined
      ? plainRequest(options)
      : tlsRequest({ ...options, ca: authority, servername: RELAY })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const parts: Buffer[] = []
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part)
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }
}

/** Homes, pages and certificates in a folder that is deleted at the end, and relays over them. */
export class RelayBench implements AsyncDisposable {
  readonly folder: string
  readonly log: LogLine[] = []
  readonly #opened = new AsyncDisposableStack()
  #heard = Promise.withResolvers<void>()

  /** Use {@link openRelayBench}. */
  constructor(folder: string) {
    this.folder = folder
    this.#opened.defer(() => rm(folder, { recursive: true }))
  }

  /** A home whose organisation has bound the relay's name. */
  async home(): Promise<string> {
    const folder = join(this.folder, 'home')
    const home = await openHome(folder)
    const acme = parseName('acme.example')
    const signer = await home.createKey(acme)
    const name = parseName(RELAY)
    const { publicKey } = await home.createKey(name)
    await home.writeAnchors(
      new AnchorSet([{ name: acme, keys: [signer.publicKey], purposes: PURPOSES }]),
    )
    const statements = await issueTo(
      { name: acme, signer, statements: [] },
      { name, key: publicKey },
      { lifetimeSeconds: 3_600 },
      { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
    )
    await home.writeStatements(name, statements)
    return folder
  }

  /** Writes files; gives the path of their folder. */
  async files(name: string, contents: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(this.folder, name)
    for (const [file, content] of Object.entries(contents)) {
      await mkdir(join(folder, file, '..'), { recursive: true })
      await writeFile(join(folder, file), content)
    }
    return folder
  }

  /** A new certificate of the relay's name in two files. */
  async certificate(): Promise<{
    readonly key: string
    readonly certificate: string
    readonly pem: string
  }> {
    const made = await newCertificate(RELAY)
    const folder = await this.files('tls', { key: made.key, pem: made.certificate })
    return { key: join(folder, 'key'), certificate: join(folder, 'pem'), pem: made.certificate }
  }

  /** Opens a relay in this process, on a free port; `flags` by their setting's path. */
  async relay(flags: Readonly<Record<string, unknown>> = {}): Promise<Relay> {
    const given = { name: RELAY, home: join(this.folder, 'home'), 'listen.port': '0', ...flags }
    const configuration = await readConfiguration({
      variables: {},
      flags: new Map(Object.entries(given)),
    })
    const write = (line: string): void => {
      this.log.push(JSON.parse(line) as LogLine)
      this.#heard.resolve()
    }
    const logger = pino({ level: configuration.log.level }, { write })
    return this.#opened.use(await Relay.open(configuration, logger))
  }

  /** The first line of the log, from `after` on, that has these members. */
  async logged(members: LogLine, after = 0): Promise<LogLine> {
    for (;;) {
      const fits = (line: LogLine) =>
        Object.entries(members).every(([key, value]) => line[key] === value)
      const found = this.log.slice(after).find(fits)
      if (found !== undefined) return found
      await this.#heard.promise
      this.#heard = Promise.withResolvers()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync().then(() => undefined)
  }
}

/** Opens a bench with a home. */
export async function openRelayBench(): Promise<RelayBench> {
  const bench = new RelayBench(await mkdtemp(join(tmpdir(), 'ixj-relay-')))
  await bench.home()
  return bench
}
