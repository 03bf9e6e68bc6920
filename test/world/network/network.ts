import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../dns/programs.ts'

const SWITCH = fileURLToPath(new URL('tap-switch.py', import.meta.url))
const DEVICE = 'ixj0'
/** Hosts of a network; their addresses end in 1 to this. */
const HOSTS_MAX = 250

/** What happens to a frame on its way. */
export interface Conditions {
  readonly delayMs: number
  /** Spread around the delay, to either side. */
  readonly jitterMs: number
  /** The part of frames that is lost. */
  readonly loss: number
}

/** No delay and no loss. */
export const CALM: Conditions = { delayMs: 0, jitterMs: 0, loss: 0 }

let made = 0

/**
 * Hosts in network namespaces of their own, joined by a switch in user space that delays and loses
 * frames; firewalls part them. For root.
 */
export class Network implements AsyncDisposable {
  readonly #namespaces: readonly string[]
  readonly #switch: ChildProcess
  readonly #said: AsyncIterator<string>

  private constructor(namespaces: readonly string[], child: ChildProcess) {
    this.#namespaces = namespaces
    this.#switch = child
    this.#said = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  }

  /** Makes so many hosts. */
  static async open(hosts: number, seed: number): Promise<Network> {
    if (hosts > HOSTS_MAX) throw new RangeError(`Cannot make ${hosts} hosts: limit ${HOSTS_MAX}`)
    const label = `ixj-${process.pid}-${made++}`
    const namespaces = Array.from({ length: hosts }, (_, index) => `${label}-${index}`)
    await batch(
      [],
      namespaces.map((name) => `netns add ${name}`),
    )
    const start = { seed, namespaces, device: DEVICE }
    const words = [SWITCH, JSON.stringify(start)]
    const child = spawn('python3', words, { stdio: ['pipe', 'pipe', 'inherit'] })
    const network = new Network(namespaces, child)
    try {
      await network.#hears('ready')
      for (const [index, name] of namespaces.entries()) {
        await batch(
          ['-n', name],
          [
            'link set lo up',
            `link set ${DEVICE} address 02:00:00:00:00:${index.toString(16).padStart(2, '0')}`,
            `address add ${network.addressOf(index)}/24 dev ${DEVICE}`,
            `link set ${DEVICE} up`,
          ],
        )
      }
    } catch (cause) {
      await network[Symbol.asyncDispose]()
      throw cause
    }
    return network
  }

  /** A host's address. */
  addressOf(host: number): string {
    return `10.77.0.${host + 1}`
  }

  /** The words before a command that runs it on a host. */
  on(host: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespaces[host]!]
  }

  /** What happens to frames from now on. */
  async set(conditions: Conditions): Promise<void> {
    this.#switch.stdin!.write(`${JSON.stringify(conditions)}\n`)
    await this.#hears('set')
  }

  /** Parts these hosts from all others: what they send each other is dropped, both ways. */
  async part(hosts: readonly number[]): Promise<void> {
    const all = [...this.#namespaces.keys()]
    const others = all.filter((host) => !hosts.includes(host))
    const list = others.map((host) => this.addressOf(host)).join(', ')
    const table = [
      'table ip part {',
      `  chain into { type filter hook input priority 0; ip saddr { ${list} } drop; }`,
      `  chain out { type filter hook output priority 0; ip daddr { ${list} } drop; }`,
      '}',
    ].join('\n')
    await Promise.all(hosts.map((host) => this.#filter(host, table)))
  }

  /** Ends what `part` did to these hosts. */
  async heal(hosts: readonly number[]): Promise<void> {
    await Promise.all(hosts.map((host) => this.#filter(host, 'delete table ip part')))
  }

  async #filter(host: number, rules: string): Promise<void> {
    const [ip, ...words] = this.on(host)
    const { status, output } = await runProgram(ip!, [...words, 'nft', '-f', '-'], rules)
    if (status !== 0) throw new Error(`Cannot filter at host ${host}: ${output}`)
  }

  async #hears(expected: string): Promise<void> {
    const next = await this.#said.next()
    if (next.value !== expected) throw new Error(`The switch has ended: ${String(next.value)}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#switch.exitCode === null) {
      const exited = once(this.#switch, 'exit')
      this.#switch.stdin!.end()
      await exited
    }
    await batch(
      [],
      this.#namespaces.map((name) => `netns delete ${name}`),
    )
  }
}

/** Runs several commands of iproute2. */
async function batch(options: readonly string[], commands: readonly string[]): Promise<void> {
  const { status, output } = await runProgram(
    'ip',
    [...options, '-batch', '-'],
    commands.join('\n'),
  )
  if (status !== 0) throw new Error(`Cannot set up the network: ${output}`)
}
