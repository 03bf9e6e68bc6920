import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Home, openHome } from '@ixj/node/home'
import type { Command } from 'commander'
import { Output } from './output.ts'

/** What every command is called with. */
export interface Invocation {
  readonly output: Output
  /** Opens the home of `--home`, and makes its folder if need be. */
  readonly openHome: () => Promise<Home>
}

/** The folder that stands for `--home` where it is not given. */
export function defaultHome(): string {
  return join(homedir(), '.ixj')
}

/** What `--home` and `--json` say, wherever they stand. */
export function invocationOf(command: Command): Invocation {
  const { home, json } = command.optsWithGlobals<{ home?: string; json?: boolean }>()
  return {
    output: new Output({ json: json === true }),
    openHome: () => openHome(home ?? defaultHome()),
  }
}
