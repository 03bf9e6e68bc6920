import type { Name } from '@ixj/names'
import type { Home } from '@ixj/node/home'
import { fromHex, type RevocationTarget, type SignedStatement, toBase64url } from '@ixj/trust'
import type { Command } from 'commander'
import { keyArgument, nameArgument, textArgument } from '../arguments.ts'
import { ArgumentError, CommandError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import { printable } from '../output.ts'
import { allStatements, keysOfName, nameOfKey, revoke, type Revoked } from '../revoking.ts'
import { describeStatement, describeTarget } from '../statement-text.ts'

interface RevokeFlags {
  readonly by?: Name
  readonly key?: Uint8Array
}

const HELP = `
WHAT is a name (all keys of it that this home knows, or the one of --key), a public key, or the id of
a statement. Who may: the key itself, a key of a name above, a holder of a revoke grant. A running
node of this home tells it to all within a second; what was revoked stays void.

Examples:
  $ ixj revoke w1.planner.acme.example
  $ ixj revoke planner.acme.example --key KEY --by acme.example
  $ ixj revoke 5b1f…64 hexadecimal digits`

/** Registers `revoke`. */
export function addRevoke(program: Command): void {
  program
    .command('revoke')
    .description('make a key, or a statement, void for everybody, for good')
    .argument('<what>', 'a name, a public key, or the id of a statement')
    .option(
      '--by <name>',
      'whose key in this home signs (default: the nearest above)',
      nameArgument,
    )
    .option('--key <key>', 'which key of the name', keyArgument)
    .addHelpText('after', HELP)
    .action(async (what: string, flags: RevokeFlags, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      const statements = await allStatements(home)
      for (const target of await targetsOf(home, what, { flags, statements })) {
        const { by } = flags
        const revoked = await revoke(home, target, {
          statements,
          ...(by === undefined ? {} : { by }),
        })
        output.print(recordOf(revoked), textOf(revoked))
      }
    })
}

async function targetsOf(
  home: Home,
  word: string,
  given: { readonly flags: RevokeFlags; readonly statements: readonly SignedStatement[] },
): Promise<readonly RevocationTarget[]> {
  const { flags, statements } = given
  const what = textArgument(word)
  if (/^[0-9a-f]{64}$/.test(what)) return [{ kind: 'statement', id: fromHex(what) }]
  if (/^[\w-]{43}$/.test(what)) {
    const key = keyArgument(word)
    return [{ kind: 'key', name: await nameOfKey(home, key, statements), key }]
  }
  const name = nameArgument(what)
  const keys = flags.key === undefined ? await keysOfName(home, name, statements) : [flags.key]
  if (keys.length === 0) {
    const remedy = 'give it with --key'
    throw new ArgumentError(
      'absent',
      `Cannot revoke ${name}: this home knows no key of it; ${remedy}`,
    )
  }
  if ((await home.readAnchors()).get(name) !== undefined && flags.key === undefined) {
    const remedy = 'name the key with --key, if everything under it is to be void'
    throw new CommandError(
      'exists',
      `Cannot revoke ${name}: it is an anchor of this home; ${remedy}`,
    )
  }
  return keys.map((key) => ({ kind: 'key', name, key }))
}

function recordOf({ notice, target, by, of, path, voided }: Revoked) {
  return {
    id: notice.told.idText,
    by,
    of,
    ...(target.kind === 'key'
      ? { name: target.name, publicKey: toBase64url(target.key) }
      : { revokedId: Buffer.from(target.id).toString('hex') }),
    voided: voided.map(({ idText }) => idText),
    path,
  }
}

function textOf({ target, by, of, voided }: Revoked): string {
  const right = by === of ? `by ${by}` : `by ${by}, for ${of}`
  const lines = voided.map((signed) => `  void: ${describeStatement(signed, true)}`)
  const rest = target.kind === 'key' ? ['  void: whatever else that key signed, or will sign'] : []
  return [`revoked ${right}: ${describeTarget(target)}`, ...lines, ...rest]
    .map((line) => printable(line))
    .join('\n')
}
