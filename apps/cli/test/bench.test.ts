import { expect, test, vi } from 'vitest'
import { openProgramBench, records } from './program-bench.ts'

// Each test starts some processes, of which each loads libp2p.
vi.setConfig({ testTimeout: 90_000 })

const SHORT = ['--requests', '20', '--messages', '2000', '--bytes', '300', '--json']

function expectFigures(stdout: string, name: string): void {
  const [answers, messages] = records(stdout)
  expect(answers).toMatchObject({ event: 'answers', name, asked: 20, perSecond: 100 })
  expect(messages).toMatchObject({ event: 'messages', name, sent: 2_000, bodyBytes: 300 })
  expect(answers?.['p50Ms']).toBeGreaterThan(0)
  expect(messages?.['perSecond']).toBeGreaterThan(0)
}

test('bench measures two nodes of this machine, and leaves nothing behind', async () => {
  await using bench = await openProgramBench()
  const { code, stdout, stderr } = await bench.run(['bench', ...SHORT])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expectFigures(stdout, 'answerer.bench.example')
})

test('bench measures an agent that answers on another node', async () => {
  await using bench = await openProgramBench()
  await bench.organisation({
    'w1.acme.example': [],
    'w2.acme.example': ['publish,request w1.acme.example'],
  })
  const answering = ['answer', '--as', 'w1.acme.example', '--listen', '/ip4/127.0.0.1/tcp/0']
  const answer = bench.start([...answering, '--json'])
  const [told] = records(await answer.line('stderr', '"addresses"'))
  const [address] = (told ?? {})['addresses'] as [string]
  const to = ['w1.acme.example', '--as', 'w2.acme.example', '--connect', address]
  const { code, stdout } = await bench.run(['bench', ...to, ...SHORT])
  expect(code).toBe(0)
  expectFigures(stdout, 'w1.acme.example')
})

test('bench of a name asks which agent writes', async () => {
  await using bench = await openProgramBench()
  const { code, stderr } = await bench.run(['bench', 'w1.acme.example'])
  expect(code).toBe(2)
  expect(stderr).toContain('give --as')
})
