import { stat } from 'node:fs/promises'
import type { Name } from '@ixj/names'
import type { Home } from '@ixj/node/home'
import { toBase64url } from '@ixj/trust'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { invocationOf } from '../invocation.ts'
import { columns, printable } from '../output.ts'
import { acceptStatements } from '../statements.ts'
import { addKeySuccessor } from './key-successor.ts'

/** Registers `key new`, `show`, `list`, `accept`, `next` and `successor`. */
export function addKey(program: Command): void {
  const key = program.command('key').description('the keys in your home')
  key
    .command('new')
    .description('make a key for a name; an existing one is never overwritten')
    .argument('<name>', 'the name that the key is for', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj key new acme.example')
    .action(async (name: Name, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      await home.createKey(name)
      const record = await describeKeyFile(home, name)
      output.print(record, `new key of ${name}\n${keyLines(record)}`)
    })
  key
    .command('show')
    .description('show the public key of a name; the secret never leaves its file')
    .argument('<name>', 'a name that has a key here', nameArgument)
    .addHelpText('after', '\nExample:\n  $ ixj key show acme.example --json')
    .action(async (name: Name, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const record = await describeKeyFile(await openHome(), name)
      output.print(record, `key of ${name}\n${keyLines(record)}`)
    })
  key
    .command('list')
    .description('list the names that have a key here')
    .addHelpText('after', '\nExample:\n  $ ixj key list')
    .action(async (_options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const home = await openHome()
      for (const name of await home.keyNames()) output.print({ name }, name)
    })
  addAccept(key)
  addKeySuccessor(key)
}

function addAccept(key: Command): void {
  key
    .command('accept')
    .description(
      'take in what was stated about a key of yours: a file of ixj bind --out or ixj grant --out',
    )
    .argument('<file>', 'the statements file, or - for the standard input')
    .addHelpText('after', '\nExample:\n  $ ixj key accept scout.statements')
    .action(async (file: string, _options: object, command: Command) => {
      const { output, openHome } = invocationOf(command)
      const all = await acceptStatements(await openHome(), file)
      for (const { name, added, replaced, code } of all) {
        const state =
          code === null
            ? 'your anchors lead to it'
            : `your anchors do not lead to it: ${code}; see ixj explain ${name}`
        output.print(
          { name, added, replaced, believed: code === null, code },
          `accepted for ${name}: ${added} new statements, ${replaced} replaced\n  ${printable(state)}`,
        )
      }
    })
}

/** What may be shown of a key. */
interface KeyRecord {
  readonly [member: string]: string
  readonly name: Name
  readonly publicKey: string
  readonly path: string
  readonly mode: string
}

async function describeKeyFile(home: Home, name: Name): Promise<KeyRecord> {
  const signer = await home.readSigner(name)
  const path = home.keyPath(name)
  const mode = ((await stat(path)).mode & 0o777).toString(8).padStart(4, '0')
  return { name, publicKey: toBase64url(signer.publicKey), path, mode }
}

function keyLines({ publicKey, path, mode }: KeyRecord): string {
  return columns([
    ['  public', publicKey],
    ['  file', `${printable(path)} (${mode})`],
  ])
}
