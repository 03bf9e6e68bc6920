import { REMEDIES } from '@ixj/agent'
import type { Name } from '@ixj/names'
import { matches } from '@ixj/names'
import {
  type Anchor,
  describeAuthority,
  formatDate,
  formatTimeLeft,
  isGrant,
  toHex,
} from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { type Block, blocks } from '../blocks.ts'
import { keyOf } from '../explain-here.ts'
import { grantContext, type HeldGrant, heldGrant } from '../held-grant.ts'
import { invocationOf } from '../invocation.ts'
import type { Record } from '../output.ts'

const HELP = `
Every grant in this home that is for the name, with its chain to an anchor of yours, or why there
is none. What a name may do as owner of its own slice is no grant; ixj whocan shows that, too.

Example:
  $ ixj grants w1.acme.example`

/** Registers `grants`. */
export function addGrants(program: Command): void {
  program
    .command('grants')
    .description('show what a name may do, and why')
    .argument('<name>', 'the agent', nameArgument)
    .addHelpText('after', HELP)
    .action(async (name: Name, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const context = await grantContext(home, name)
      const known = await keyOf(name, context.statements, { ...context, home })
      const held = context.statements
        .filter(isGrant)
        .filter(({ statement }) => matches(statement.subject, name))
        .map((grant) => {
          // No key of this name is known here: it has to be the one that the grant is for.
          const key = known.some((byte) => byte !== 0)
            ? known
            : (grant.statement.subjectKey ?? known)
          return heldGrant(grant, context, { holder: { name, key } })
        })
      for (const each of held) if (output.json) output.print(recordOf(each), '')
      if (output.json) return
      const count = held.length === 1 ? '1 grant' : `${held.length} grants`
      const head = [
        `${name}  owner of its name and of all names below it`,
        `  ${count} in this home`,
      ]
      const list = held.map((each) => blockOf(each, context.now))
      output.print({}, [...head, ...blocks(list)].join('\n'))
    })
}

function blockOf(held: HeldGrant, now: number): Block {
  const { grant, authority, refusal } = held
  const { actions, topics, onBehalfOf } = grant.statement
  const title = `${actions.join(', ')} on ${topics.join(', ')}  on behalf of ${onBehalfOf}`
  const id = ['grant', grant.idText] as const
  if (authority === null) {
    const { code, message } = refusal ?? { code: 'no-chain' as const, message: 'it has no chain' }
    const remedy = REMEDIES[code]
    const change = remedy === null ? [] : [['to change', remedy] as const]
    return { title, facts: [id, ['refused', `${code}: ${message}`], ...change] }
  }
  const anchors = new Map(authority.issuers.map(({ anchor }) => [anchor.name, anchor]))
  const facts = [
    id,
    ['holds', formatTimeLeft(authority.notAfter, now)] as const,
    ...describeAuthority(authority, now).map((line) => ['chain', line] as const),
    ...[...anchors.values()].map((anchor) => ['anchor', anchorLine(anchor)] as const),
  ]
  return { title, facts }
}

function anchorLine({ name, addedAt, addedBy }: Anchor): string {
  const details = [addedAt === undefined ? [] : [formatDate(addedAt)], addedBy ?? []].flat()
  return `${name}, from your trust store${details.length === 0 ? '' : ` (${details.join(', ')})`}`
}

function recordOf({ grant, authority, refusal, until }: HeldGrant): Record {
  const { issuer, subject, actions, topics, onBehalfOf, mayDelegate, conditions } = grant.statement
  return {
    id: grant.idText,
    issuer,
    subject,
    actions: [...actions],
    topics: [...topics],
    onBehalfOf,
    mayDelegate: mayDelegate === false ? [] : [...mayDelegate],
    conditions: conditionsRecord(conditions),
    holds: authority !== null,
    code: refusal?.code ?? null,
    message: refusal?.message ?? null,
    until,
    chain: (authority?.chain ?? []).map(({ idText, statement }) => {
      const { parent } = statement
      return {
        id: idText,
        issuer: statement.issuer,
        subject: statement.subject,
        parent: parent === null ? null : toHex(parent),
      }
    }),
    anchors: [...new Set(authority?.issuers.map(({ anchor }) => anchor.name))],
  }
}

/** Conditions by their names; values of kinds that are not known here may hold bytes. */
function conditionsRecord(conditions: GrantConditions): Record {
  const text = JSON.stringify(Object.fromEntries(conditions), (_key, value: unknown) =>
    value instanceof Uint8Array ? toHex(value) : value,
  )
  return JSON.parse(text) as Record
}

type GrantConditions = HeldGrant['grant']['statement']['conditions']
