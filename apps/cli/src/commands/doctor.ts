import type { Name } from '@ixj/names'
import { systemClock } from '@ixj/node/home'
import type { Command } from 'commander'
import { nameArgument } from '../arguments.ts'
import { addAskOptions, type AskFlags, noteFault, openAsking } from '../dns-arguments.ts'
import { examine } from '../doctor/examine.ts'
import type { Finding } from '../doctor/finding.ts'
import { invocationOf } from '../invocation.ts'
import { type Output, printable } from '../output.ts'

const HELP = `
Each line is ok, a note (it works, and could be better) or wrong, with what to do about it. Exit code
0 if nothing is wrong. Nothing is changed; ports that the records name are tried.

Examples:
  $ ixj doctor acme.example
  $ ixj doctor planner.acme.example --server 192.0.2.1:53 --anchors acme.anchor
  $ ixj doctor example.com --root`

/** Registers `doctor`. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('look at a name as others see it, and say what is missing or wrong')
    .argument('<domain>', 'an organisation, agent or node', nameArgument)
  addAskOptions(command)
    .addHelpText('after', HELP)
    .action(async (domain: Name, flags: AskFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const home = await openHome()
      const trust = await home.readAnchors()
      await using asking = await openAsking(home, flags)
      const { resolver, anchors, upstreams } = asking
      const counts = { ok: 0, note: 0, wrong: 0 }
      const findings = examine({
        domain,
        resolver,
        anchors,
        trust,
        upstreams,
        serverGiven: flags.server !== undefined,
        now: () => systemClock.now(),
      })
      for await (const finding of findings) {
        counts[finding.level]++
        tell(finding, output)
      }
      if (counts.wrong > 0) process.exitCode = 1
      noteFault(asking, output)
      const { ok, note, wrong } = counts
      if (!output.json) output.print({}, `${wrong} wrong, ${note} to note, ${ok} ok`)
    })
}

function tell({ level, check, about, text, remedy }: Finding, output: Output): void {
  const { paint } = output
  const colour = { ok: paint.green, note: paint.yellow, wrong: paint.red }[level]
  const then = remedy === null ? '' : ` ${paint.dim('→')} ${remedy}`
  output.print(
    { level, check, about, text, remedy },
    `${colour(level.padEnd(5))}  ${printable(about)}: ${text}${then}`,
  )
}
