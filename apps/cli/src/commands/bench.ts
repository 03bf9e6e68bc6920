import type { Name } from '@ixj/names'
import type { Command } from 'commander'
import { addressArgument, nameArgument, numberArgument, repeated } from '../arguments.ts'
import type { Answers, Throughput } from '../bench/measure.ts'
import { ArgumentError } from '../command-error.ts'
import { invocationOf } from '../invocation.ts'
import type { Output } from '../output.ts'
import { openSession, type Session, untilStopped } from '../session.ts'

interface BenchFlags {
  readonly as?: Name
  readonly node?: Name
  readonly listen?: readonly string[]
  readonly connect?: readonly string[]
  readonly requests: number
  readonly rate: number
  readonly messages: number
  readonly bytes: number
}

/** The largest body is what fits into a message beside its own few bytes. */
const BYTES_MAX = 60_000
const COUNT_MAX = 10_000_000
const REQUESTS_MAX = 100_000
const RATE_MAX = 10_000

const HELP = `
With a name: your agent asks it and writes to it, over your own nodes; the other side runs
"ixj answer". Without: two nodes of this machine, each in a process of its own, with homes in a
folder that is removed afterwards. Every message is signed, verified, authorised and recorded.
HTTPS, A2A, NATS and MQTT beside it: npm run bench, in the repository of ixj.

Examples:
  $ ixj bench
  $ ixj bench w1.acme.example --as w2.acme.example --connect /ip4/192.0.2.1/tcp/4001`

/** Registers `bench`. */
export function addBench(program: Command): void {
  const count = (max: number, min = 0) => numberArgument({ min, max })
  program
    .command('bench')
    .description('measure answers and messages, on this machine or between your nodes')
    .argument('[name]', 'who is asked and written to; default: a second node here', nameArgument)
    .option('--as <agent>', 'the agent that acts; its key lies in this home', nameArgument)
    .option('--node <node>', 'the node that it runs on (default: the agent)', nameArgument)
    .option('--listen <address>', 'multiaddr to listen on; repeatable', repeated(addressArgument))
    .option(
      '--connect <address>',
      'multiaddr of a neighbour; repeatable',
      repeated(addressArgument),
    )
    .option('--requests <count>', 'questions, each with its answer', count(REQUESTS_MAX), 300)
    .option('--rate <per second>', 'questions a second', count(RATE_MAX, 1), 100)
    .option('--messages <count>', 'messages, as fast as they go', count(COUNT_MAX), 100_000)
    .option('--bytes <bytes>', 'of each body', count(BYTES_MAX, 1), 200)
    .addHelpText('after', HELP)
    .action(async (to: Name | undefined, flags: BenchFlags, self: Command) => {
      const { output, openHome } = invocationOf(self)
      const { as } = flags
      if (to === undefined) return await benchHere(flags, output)
      if (as === undefined) {
        throw new ArgumentError('usage', `Cannot write to ${to}: give --as, the agent that writes`)
      }
      await using session = await openSession(await openHome(), { ...flags, as })
      await run(session, to, { flags, output, signal: untilStopped() })
    })
}

async function benchHere(flags: BenchFlags, output: Output): Promise<void> {
  const { openLocalPair } = await import('../bench/local-pair.ts')
  const stopped = new AbortController()
  const words = [process.execPath, ...process.execArgv, process.argv[1] ?? '']
  await using pair = await openLocalPair(words, (cause) => stopped.abort(cause))
  const signal = AbortSignal.any([untilStopped(), stopped.signal])
  await run(pair, pair.answerer, { flags, output, signal })
}

async function run(
  { agent }: Session,
  to: Name,
  options: { readonly flags: BenchFlags; readonly output: Output; readonly signal: AbortSignal },
): Promise<void> {
  const { flags, output, signal } = options
  const { measureAnswers, measureThroughput } = await import('../bench/measure.ts')
  const body = new Uint8Array(flags.bytes)
  if (flags.requests > 0) {
    const { requests: count, rate: perSecond } = flags
    tellAnswers(await measureAnswers(agent, to, { count, perSecond, body, signal }), to, output)
  }
  if (flags.messages > 0) {
    const { messages: count } = flags
    tellThroughput(await measureThroughput(agent, to, { count, body, signal }), to, output)
  }
}

function tellAnswers(answers: Answers, to: Name, output: Output): void {
  const [p50, p95, p99] = [answers.p50Ms, answers.p95Ms, answers.p99Ms].map((ms) => ms.toFixed(2))
  output.print(
    { event: 'answers', name: to, ...answers },
    `answers    ${answers.asked} of ${to}, ${answers.perSecond} a second: p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms`,
  )
}

function tellThroughput(throughput: Throughput, to: Name, output: Output): void {
  const { sent, bodyBytes, perSecond, cpuMicros } = throughput
  const rate = Math.round(perSecond).toLocaleString('en-US')
  output.print(
    { event: 'messages', name: to, ...throughput },
    `messages   ${sent} of ${bodyBytes} bytes to ${to}: ${rate} a second, ${cpuMicros.toFixed(1)} µs of CPU each here`,
  )
}
