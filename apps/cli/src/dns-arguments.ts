import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import {
  DnsError,
  openResolver,
  parseDnsName,
  parseZoneAnchors,
  ROOT,
  ROOT_ANCHOR,
  type DnsName,
  type SecureNamesFile,
  type Upstream,
  type ValidatingResolver,
  type ZoneAnchor,
  zoneAnchorsOf,
  ZONE_TEXT_MAX,
} from '@ixj/dns'
import { type Home, openHomeSecureNames, upstreamsOf } from '@ixj/node/home'
import { Option, type Command } from 'commander'
import { ArgumentError, CommandError } from './command-error.ts'
import { type Output, printable } from './output.ts'

/** Options that say whom to ask, and whom to trust. */
export interface AskFlags {
  readonly server?: { readonly address: string; readonly port: number | undefined }
  readonly transport?: Upstream['transport']
  readonly serverName?: string
  readonly ca?: string
  readonly anchors?: string
  readonly root?: boolean
}

/** A resolver as a command line asks for it, and what it rests on. */
export interface Asking extends AsyncDisposable {
  readonly resolver: ValidatingResolver
  readonly anchors: readonly ZoneAnchor[]
  readonly upstreams: readonly Upstream[]
  /** Zones that were seen signed. */
  readonly secure: SecureNamesFile
}

const PORTS: Readonly<Record<Upstream['transport'], number>> = { udp: 53, tls: 853, https: 443 }

/** Adds `--server`, `--transport`, `--server-name`, `--ca`, `--anchors`, `--root` to a command. */
export function addAskOptions(command: Command): Command {
  return command
    .option(
      '--server <address>',
      'name server to ask, as 127.0.0.1:53 or [::1]:53 (default: as dns.json says, or the system)',
      serverArgument,
    )
    .addOption(
      new Option('--transport <transport>', 'how to ask it (default: udp)').choices([
        'udp',
        'tls',
        'https',
      ]),
    )
    .option('--server-name <name>', 'the name that its certificate must have')
    .option('--ca <file>', 'the authorities that its certificate may be of, PEM')
    .option('--anchors <file>', 'DNSKEY and DS lines of zones to trust, beside those of this home')
    .option(
      '--root',
      'trust the root of the DNS (the keys of ICANN) where no other anchor is nearer',
    )
}

/**
 * Opens a resolver: the anchors of the home and of the command line, the servers of the command line
 * or of the home. @throws ArgumentError, CommandError `file`; DnsError, HomeError
 */
export async function openAsking(home: Home, flags: AskFlags): Promise<Asking> {
  const given = await givenAnchors(flags)
  const anchors: ZoneAnchor[] = [...given]
  for (const anchor of zoneAnchorsOf(await home.readAnchors())) {
    if (!given.some(({ zone }) => zone === anchor.zone)) anchors.push(anchor)
  }
  if (flags.root === true && !anchors.some(({ zone }) => zone === ROOT)) anchors.push(ROOT_ANCHOR)
  const upstreams = (await givenUpstreams(flags)) ?? upstreamsOf(await home.readDnsSettings())
  const secure = await openHomeSecureNames(home)
  const resolver = openResolver({ anchors, upstreams, secure })
  const close = () => resolver[Symbol.asyncDispose]()
  return { resolver, anchors, upstreams, secure, [Symbol.asyncDispose]: close }
}

/** Says that this home could not write down which zones were signed: it will not miss that later. */
export function noteFault({ secure }: Asking, output: Output): void {
  const { fault } = secure
  if (fault === undefined) return
  const text = `Not remembered which zones are signed: ${printable(fault.message)}`
  output.note({ note: 'not-remembered', code: fault.code, message: fault.message }, text)
}

/** The upstream of `--server`; none if it was not given. */
async function givenUpstreams(flags: AskFlags): Promise<readonly Upstream[] | undefined> {
  const { server, transport = 'udp', serverName, ca } = flags
  if (server === undefined) {
    if (flags.transport === undefined && serverName === undefined && ca === undefined) {
      return undefined
    }
    throw new ArgumentError('usage', 'Cannot use --transport, --server-name or --ca: no --server')
  }
  return [
    {
      suffix: ROOT,
      transport,
      address: server.address,
      port: server.port ?? PORTS[transport],
      ...(serverName === undefined ? {} : { serverName }),
      ...(ca === undefined ? {} : { certificateAuthority: await readText(ca) }),
    },
  ]
}

/** The zones of `--anchors`. @throws CommandError `file`; DnsError `record` */
async function givenAnchors(flags: AskFlags): Promise<readonly ZoneAnchor[]> {
  return flags.anchors === undefined ? [] : parseZoneAnchors(await readText(flags.anchors))
}

/** A domain name that a person typed, with labels like `_ixj` too. @throws ArgumentError */
export function dnsNameArgument(text: string): DnsName {
  try {
    return parseDnsName(text)
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    throw new ArgumentError(cause.code, cause.message, { cause })
  }
}

/** An IP address, and a port if there is one. @throws ArgumentError `usage` */
export function serverArgument(text: string): NonNullable<AskFlags['server']> {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = bracketed ?? plain ?? text
  if (isIP(address) !== 0 && (port === undefined || Number(port) <= 65_535)) {
    return { address, port: port === undefined ? undefined : Number(port) }
  }
  const shown = JSON.stringify(text.slice(0, 80))
  const reason = 'a server looks like 127.0.0.1, 127.0.0.1:5300 or [::1]:5300'
  throw new ArgumentError('usage', `Cannot read the server ${shown}: ${reason}`)
}

/** A text file that was named on the command line. @throws CommandError `file`, `too-large` */
async function readText(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length <= ZONE_TEXT_MAX) return text
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new CommandError('file', `Cannot read ${path}: ${code ?? message}`, { cause })
  }
  throw new CommandError('too-large', `Cannot read ${path}: over ${ZONE_TEXT_MAX} characters`)
}
