import { test } from 'vitest'
import { openProgramBench, records } from '/work/main/apps/cli/test/program-bench.ts'
const crew = 'crew.acme.example'
test('loop', async () => {
  await using bench = await openProgramBench()
  await bench.organisation({ 'node1.acme.example': [`subscribe ${crew}`], 'node2.acme.example': [], 'w1.acme.example': [`publish,subscribe ${crew}`], 'w2.acme.example': [`publish,subscribe ${crew}`] })
  const node = bench.start(['node', 'run', '--name', 'node1.acme.example', '--join', crew, '--json'])
  const [r] = records(await node.line('stdout', '"addresses"'))
  const connect = ['--connect', (r!['addresses'] as string[])[0]!]
  for (let i = 0; i < 6; i++) {
    const reader = bench.start(['sub', crew, '--as', 'w1.acme.example', '--node', 'node2.acme.example', ...connect, '--count', '1', '--json'])
    await reader.line('stderr', '"joined"')
    const t = performance.now()
    const p = await bench.run(['pub', crew, 'x', '--as', 'w2.acme.example', ...connect, '--to', 'w1.acme.example', '--json'])
    const t2 = performance.now()
    const e = await reader.end()
    console.log(p.code, Math.round(t2 - t), e.code, Math.round(performance.now() - t2), e.stderr.split('\n').filter((l) => !l.includes('"joined"')).join(' | ').slice(0, 300))
  }
}, 120_000)
