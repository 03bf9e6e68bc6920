import type { GrantRequest } from '@ixj/agent'
import { formatInvitation, INVITATION_MS_MAX, makeInvitation } from '@ixj/agent/invitations'
import { isBelow, type Name } from '@ixj/names'
import { nodeRandom, systemClock } from '@ixj/node/home'
import { formatDate, toBase64url, type Uses } from '@ixj/trust'
import { type Command, Option } from 'commander'
import { addressArgument, nameArgument, numberArgument, repeated } from '../arguments.ts'
import { ArgumentError } from '../command-error.ts'
import { grantArgument } from '../grant-argument.ts'
import { awaitClaim, openInviting, rootOf } from '../invite.ts'
import { invocationOf } from '../invocation.ts'
import { openSession, untilStopped } from '../session.ts'

interface InviteFlags {
  readonly by: Name
  readonly through: Name
  readonly connect: readonly string[]
  readonly page: string
  readonly node?: Name
  readonly minutes: number
  readonly days: number
  readonly uses: Uses
  readonly strict?: boolean
  readonly grant?: readonly GrantRequest[]
}

const MINUTES_MAX = INVITATION_MS_MAX / 60_000
const MINUTES_DEFAULT = 15
const DAYS_MAX = 3_650
const DAYS_DEFAULT = 30

const HELP = `
It waits until the link has been used, and ends then: it is good for one key, once. Whoever sees the
link can use it, so give it to one person. Ctrl-C takes it back.
PARENT asks the relay as an agent: RELAY lies below it, or has granted it 'request RELAY'.

Example:
  $ ixj agent invite sam.acme.example --by acme.example --through relay1.acme.example \\
      --connect /dns/relay1.acme.example/tcp/4001 --page https://relay1.acme.example/ \\
      --grant 'publish,subscribe crew.acme.example'`

/** Registers `agent invite`. */
export function addInvite(agent: Command): void {
  agent
    .command('invite')
    .description('make a link with which one browser gets a name, once')
    .argument('<name>', 'the name that it gets', nameArgument)
    .requiredOption('--by <parent>', 'a name above it whose key lies in this home', nameArgument)
    .requiredOption('--through <relay>', 'the name of the relay that the page uses', nameArgument)
    .requiredOption(
      '--connect <address>',
      'multiaddr of that relay; repeatable',
      repeated(addressArgument),
    )
    .requiredOption('--page <url>', 'the page that the link leads to', pageArgument)
    .option('--node <node>', 'the node that PARENT runs on (default: its own)', nameArgument)
    .option(
      '--minutes <minutes>',
      'how long the link can be used',
      numberArgument({ min: 1, max: MINUTES_MAX }),
      MINUTES_DEFAULT,
    )
    .option(
      '--days <days>',
      'for how long the name is bound',
      numberArgument({ min: 1, max: DAYS_MAX }),
      DAYS_DEFAULT,
    )
    .addOption(
      new Option('--uses <uses>', 'what its key may do')
        .choices(['sign', 'bind', 'both'])
        .default('sign'),
    )
    .option('--strict', 'nothing of it goes on without a fresh status of its issuers')
    .option(
      '--grant <grant>',
      'what it may do, as in ixj bind; repeatable',
      repeated(grantArgument),
    )
    .addHelpText('after', HELP)
    .action(invite)
}

async function invite(name: Name, flags: InviteFlags, self: Command): Promise<void> {
  const { output, openHome } = invocationOf(self)
  if (!isBelow(name, flags.by)) {
    const reason = `it is not below ${flags.by}; only names above it may bind it`
    throw new ArgumentError('not-below', `Cannot invite ${name}: ${reason}`)
  }
  const stopped = untilStopped()
  const home = await openHome()
  const inviter = await home.readIdentity(flags.by)
  const now = systemClock.now()
  const notAfter = now + flags.minutes * 60_000
  const fields = { name, root: rootOf(inviter), relay: flags.through, notAfter }
  const invitation = makeInvitation(fields, { random: nodeRandom, now })
  const { by: as, connect, node } = flags
  await using session = await openSession(home, {
    as,
    connect,
    ...(node === undefined ? {} : { node }),
  })
  const by = { name: flags.by, home, host: session.node.host }
  const inviting = openInviting(invitation, by, {
    lifetimeSeconds: flags.days * 24 * 3_600,
    uses: flags.uses,
    ...(flags.strict === undefined ? {} : { strict: flags.strict }),
    ...(flags.grant === undefined ? {} : { grants: flags.grant }),
  })
  const link = formatInvitation(invitation, flags.page)
  const key = await awaitClaim(inviting, {
    agent: session.agent,
    relay: flags.through,
    signal: stopped,
    opened: () =>
      output.print(
        { event: 'invited', name, link, until: notAfter },
        `${link}\n  for ${name}, once, until ${formatDate(notAfter)}`,
      ),
    refused: ({ code, cause }) => {
      const why = cause === undefined ? '' : `: ${cause.message}`
      output.note({ event: 'refused', name, code }, `refused  ${code}${why}`)
    },
  })
  const publicKey = toBase64url(key)
  output.print(
    { event: 'bound', name, by: as, publicKey, grants: flags.grant?.length ?? 0 },
    `${name} is bound by ${as} to ${publicKey}`,
  )
}

function pageArgument(text: string): string {
  const url = URL.parse(text)
  const isLocal = url !== null && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)) return url.href
  const shown = JSON.stringify(text.slice(0, 80))
  const reason = 'it is a URL with https, or with http on this machine'
  throw new ArgumentError('usage', `Cannot use the page ${shown}: ${reason}`)
}
