import { watch } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  openProgramBench,
  type ProgramBench,
  records,
  type RunningProgram,
} from './program-bench.ts'

const crew = 'crew.acme.example'
const results = 'results.acme.example'
const w1 = 'w1.acme.example'
const w2 = 'w2.acme.example'
const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
let bench: ProgramBench

// Each test starts some processes, of which each loads libp2p.
vi.setConfig({ testTimeout: 90_000 })

beforeAll(async () => {
  bench = await openProgramBench()
  await bench.organisation({
    [w1]: [`subscribe,answer ${crew}`, `host ${results}; delegate ${w1}`],
    [w2]: [`request,subscribe ${crew}`, `publish,request ${w1}`, `publish ${results}`],
    'mute.acme.example': [],
  })
})

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

/** Starts a command of w1's that listens; how others connect to it. */
async function startListening(
  words: readonly string[],
): Promise<readonly [RunningProgram, readonly string[]]> {
  const program = bench.start([...words, '--as', w1, ...listen, '--json'])
  const [record] = records(await program.line('stderr', '"addresses"'))
  const addresses = record?.['addresses'] as readonly string[]
  return [program, ['--connect', addresses[0] ?? '']]
}

test('request prints what the command of answer writes, and why it is believed', async () => {
  const exec = 'read -r text; printf "%s for %s, attempt %s" "$text" "$IXJ_SENDER" "$IXJ_ATTEMPT"'
  const [program, connect] = await startListening(['answer', '--exec', exec, '--count', '2'])
  const asked = await bench.run(['request', w1, 'how are you?', '--as', w2, ...connect])
  expect(asked).toEqual({ code: 0, stdout: `how are you? for ${w2}, attempt 1\n`, stderr: '' })
  const body = '{"x":[1,2]}'
  const how = ['--class', 'task', '--explain', '--json']
  const asking = ['request', w1, '--body', body, '--as', w2, ...connect, ...how]
  const explained = await bench.run(asking)
  expect(explained.code).toBe(0)
  expect(records(explained.stdout)).toMatchObject([
    { sender: w1, text: `${body} for ${w2}, attempt 1`, explanation: { outcome: 'accepted' } },
  ])
  const { code, stdout } = await program.end()
  expect(code).toBe(0)
  expect(records(stdout)).toMatchObject([
    { event: 'answered', sender: w2, onBehalfOf: 'acme.example', body: 'how are you?' },
    { event: 'answered', sender: w2, body: { x: [1, 2] } },
  ])
})

test('a body is never part of the command, and a command that fails is told to the asker', async () => {
  const [program, connect] = await startListening(['answer', '--exec', 'cat >&2; exit 3'])
  const failed = await bench.run(['request', w1, '$(id); "`id`', '--as', w2, ...connect])
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  expect(failed.stderr).toContain('ixj: failed:')
  expect(failed.stderr).toContain('the command ended with 3: $(id); "`id`')
  expect((await program.stop('SIGINT')).code).toBe(0)
})

test('--seal sends only what can be sealed, and what is read then is said to be', async () => {
  const vault = 'vault.acme.example'
  await bench.done('key', 'new', vault)
  await bench.done('bind', vault, '--by', 'acme.example')
  const asker = 'asker.acme.example'
  await bench.done('key', 'new', asker)
  await bench.done('bind', asker, '--by', 'acme.example', '--grant', `request ${vault},${w1}`)
  const [program, connect] = await startListening(['answer'])
  const plain = await bench.run(['request', w1, 'a secret', '--seal', '--as', asker, ...connect])
  expect(plain).toMatchObject({ code: 1, stdout: '' })
  expect(plain.stderr).toContain('ixj: unsealable:')
  const words = ['answer', '--as', vault, ...listen, '--json']
  const safe = bench.start(words)
  const [record] = records(await safe.line('stderr', '"addresses"'))
  const addresses = record?.['addresses'] as readonly string[]
  const asking = ['request', vault, 'a secret', '--seal', '--as', asker, '--connect', addresses[0]!]
  const sealed = await bench.run([...asking, '--json'])
  expect(records(sealed.stdout)).toMatchObject([{ sender: vault, text: 'a secret', sealed: true }])
  await program.stop('SIGINT')
  await safe.stop('SIGINT')
})

test('a command that runs when answer is stopped is killed, with all that it has started', async () => {
  const files = watch(bench.folder)[Symbol.asyncIterator]()
  const exec = 'echo > started; sleep 600 | cat'
  const [program, connect] = await startListening(['answer', '--exec', exec])
  const asking = bench.run(['request', w1, 'hurry', '--lifespan', '80', '--as', w2, ...connect])
  for (let name: string | null = null; name !== 'started';) {
    const { value } = await files.next()
    name = value?.filename ?? null
  }
  const { code, stdout } = await program.stop('SIGINT')
  expect(code).toBe(0)
  expect(stdout).toContain('the command ended by SIGKILL')
  expect((await asking).stderr).toContain('ixj: failed:')
})

test('send of class task ends when it is acknowledged; the command is run again where it fails', async () => {
  const exec = 'cat >/dev/null; [ "$IXJ_ATTEMPT" = 2 ] && echo mended'
  const [program, connect] = await startListening(['answer', '--exec', exec])
  const how = ['--class', 'task', '--json']
  const sent = await bench.run(['send', w1, 'mend it', '--as', w2, ...connect, ...how])
  expect(sent).toMatchObject({ code: 0, stderr: '' })
  expect(records(sent.stdout)).toMatchObject([
    { event: 'sent', topic: w1, peers: 1 },
    { event: 'acknowledged', name: w1 },
  ])
  await program.line('stdout', '"done"')
  const { stdout } = await program.stop('SIGINT')
  expect(records(stdout)).toMatchObject([
    { event: 'failed', attempt: 1, body: 'mend it' },
    { event: 'done', attempt: 2, answer: 'mended' },
  ])
})

test('a task that was not acknowledged is sent on when its agent is on the mesh again', async () => {
  const nobody = ['--connect', '/ip4/127.0.0.1/tcp/9']
  const task = ['--class', 'task', '--lifespan', '60', '--as', w2]
  const stopping = bench.start(['send', w1, 'later', ...task, ...nobody])
  await new Promise((resolve) => stopping.child.once('spawn', resolve))
  const lost = bench.run([
    'send',
    w1,
    'lost',
    '--lifespan',
    '1',
    '--as',
    'mute.acme.example',
    ...nobody,
  ])
  expect(await lost).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ixj: unreachable:') as string,
  })
  // By now its task is stored: the other command began later, and has waited a second.
  stopping.child.kill('SIGKILL')
  await stopping.end()
  const [program, connect] = await startListening(['answer', '--count', '2'])
  const sent = await bench.run(['send', w1, 'now', ...task, ...connect])
  expect(sent).toMatchObject({ code: 0, stderr: '' })
  const { stdout } = await program.end()
  const done = records(stdout).map(({ event, body }) => `${String(event)} ${String(body)}`)
  expect(new Set(done)).toEqual(new Set(['done later', 'done now']))
})

test('fanout shows who answers what, and fails below the quorum', async () => {
  const [program, connect] = await startListening(['answer', crew, '--exec', 'echo yes'])
  const run = ['fanout', crew, 'who is free?', '--as', w2, ...connect]
  const done = await bench.run(run)
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toBe(`NAME             STATUS   ANSWER\n${w1}  replied  yes\n`)
  const few = await bench.run([...run, '--quorum', '2', '--lifespan', '2', '--json'])
  expect(few.code).toBe(1)
  expect(records(few.stdout)).toMatchObject([
    { event: 'reply', name: w1, status: 'replied', body: 'yes' },
    { event: 'done', expected: [w1], missing: [] },
  ])
  expect((await program.stop('SIGTERM')).code).toBe(0)
})

test('gather prints what many send to one inbox, batch by batch', async () => {
  const words = ['gather', results, '--quorum', '1', '--window', '5000', '--count', '1']
  const [program, connect] = await startListening(words)
  const sent = await bench.run(['send', results, '--body', '42', '--as', w2, ...connect])
  expect(sent.code).toBe(0)
  const { code, stdout } = await program.end()
  expect(code).toBe(0)
  expect(records(stdout)).toMatchObject([
    { event: 'batch', senders: 1, complete: true, messages: [{ sender: w2, body: 42 }] },
  ])
})
