import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../dns/programs.ts'
import { CALM, Network } from './network.ts'
import { realNetwork } from './real-network.ts'

/** Connects to a port that nobody has open: refused after one round trip. */
const PROBE = [
  'import socket, sys, time',
  's = socket.socket()',
  's.settimeout(1)',
  'began = time.monotonic()',
  'print(s.connect_ex((sys.argv[1], 7)), (time.monotonic() - began) * 1000)',
].join('\n')

/** The round trip from a host to another in ms; undefined if nothing came within 1 s. */
async function roundTrip(network: Network, from: number, to: number): Promise<number | undefined> {
  const [ip, ...words] = network.on(from)
  const target = network.addressOf(to)
  const { output } = await runProgram(ip!, [...words, 'python3', '-c', PROBE, target])
  const [code, ms] = output.trim().split(' ')
  return Number(code) === constants.errno.ECONNREFUSED ? Number(ms) : undefined
}

describe.runIf(realNetwork('networks of namespaces'))('Network', () => {
  it('joins hosts, delays frames, parts hosts and joins them again', async () => {
    await using network = await Network.open(3, 1)
    expect(await roundTrip(network, 0, 1)).toBeLessThan(500)
    await network.set({ ...CALM, delayMs: 60 })
    expect(await roundTrip(network, 0, 1)).toBeGreaterThan(120)
    await network.set(CALM)
    await network.part([0])
    expect(await roundTrip(network, 0, 1)).toBeUndefined()
    expect(await roundTrip(network, 1, 2)).toBeLessThan(500)
    await network.heal([0])
    expect(await roundTrip(network, 1, 0)).toBeLessThan(500)
    await network.set({ ...CALM, loss: 1 })
    expect(await roundTrip(network, 0, 1)).toBeUndefined()
  })
})
