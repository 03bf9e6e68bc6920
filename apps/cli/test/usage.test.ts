import { afterEach, expect, test, vi } from 'vitest'
import { runProgram } from '../src/program.ts'
import { openProgramBench, records } from './program-bench.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Runs in this process: nothing of these gets further than the command line. */
async function refusal(words: readonly string[]): Promise<{ code: number; stderr: string }> {
  const written: string[] = []
  const collect = (chunk: string | Uint8Array): boolean => {
    written.push(String(chunk))
    return true
  }
  vi.spyOn(process.stderr, 'write').mockImplementation(collect)
  vi.spyOn(process.stdout, 'write').mockImplementation(collect)
  return { code: await runProgram(words), stderr: written.join('') }
}

test.each([
  [['key', 'new', 'not a name'], 'character'],
  [['key', 'new', 'Acme..example'], 'empty-label'],
  [['key', 'new'], 'usage'],
  [['key', 'new', 'acme.example', 'more'], 'usage'],
  [['key', 'fly'], 'usage'],
  [['fly'], 'usage'],
  [['key', 'list', '--fly'], 'usage'],
  [['key', 'list', '--home'], 'usage'],
  [['bind', 'w1.acme.example'], 'usage'],
  [['bind', 'w1.acme.example', '--by', 'globex.example'], 'not-below'],
  [['bind', 'w1.acme.example', '--by', 'acme.example', '--days', '0'], 'usage'],
  [['bind', 'w1.acme.example', '--by', 'acme.example', '--days', '1', '--seconds', '1'], 'usage'],
  [['bind', 'w1.acme.example', '--by', 'acme.example', '--uses', 'fly'], 'usage'],
  [['bind', 'w1.acme.example', '--by', 'acme.example', '--grant', 'fly'], 'usage'],
  [['trust', 'anchor', 'add', 'globex.example', 'AAAA'], 'bad-key'],
  [['trust', 'anchor', 'add', 'globex.example', '--purposes', 'fly'], 'usage'],
  [['trust', 'anchor', 'add', 'globex.example', '--names', '*'], 'character'],
  [['sub', 'crew.acme.example', '--as', 'w1.acme.example', '--connect', 'here'], 'usage'],
  [['pub', 'crew', 'hello', '--as', 'w1.acme.example'], 'too-few-labels'],
  [['pub', 'crew.acme.example', '--as', 'w1.acme.example'], 'usage'],
  [['send', 'w1.acme.example', 'x', '--as', 'w2.acme.example'], 'usage'],
  [['send', 'w1.acme.example', '--as', 'w2.acme.example'], 'usage'],
  [['send', 'w1.acme.example', 'x', '--body', '1', '--as', 'w2.acme.example'], 'usage'],
  [['send', 'w1.acme.example', '--body', '{', '--as', 'w2.acme.example'], 'usage'],
  [['send', 'w1.acme.example', 'x', '--class', 'fly', '--as', 'w2.acme.example'], 'usage'],
  [['request', 'w1.acme.example', 'x', '--priority', '4', '--as', 'w2.acme.example'], 'usage'],
  [['request', 'w1.acme.example', 'x', '--under', 'ab', '--as', 'w2.acme.example'], 'usage'],
  [['fanout', 'crew', 'x', '--as', 'w1.acme.example'], 'too-few-labels'],
  [['gather', 'results.acme.example', '--per', 'fly', '--as', 'w1.acme.example'], 'usage'],
  [['answer', '--count', '0', '--as', 'w1.acme.example'], 'usage'],
  [['node', 'run'], 'usage'],
])('%j is a wrong command line: 2 and %s', async (words, code) => {
  const refused = await refusal([...words, '--json'])
  expect(refused.code).toBe(2)
  expect(records(refused.stderr)).toEqual([
    { error: { code, message: expect.stringMatching(/./) as string } },
  ])
})

test('a wrong command line is told to people in one line', async () => {
  const { code, stderr } = await refusal(['key', 'new', 'a\u001B[2J.example'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/^ixj: character: Cannot read the name [^\n]*\n$/)
  expect(stderr).not.toContain('\u001B')
})

test('a command line without what it needs says which help tells of it', async () => {
  const { stderr } = await refusal(['trust', 'path', 'globex.example'])
  expect(stderr).toMatch(/option '--as <name>' not specified; see: ixj trust path --help\n$/)
})

test('the program as a process gives the same: 2, and without any command its help', async () => {
  await using bench = await openProgramBench()
  const wrong = await bench.run(['sub', 'crew.acme.example', '--as', 'w1.acme.example'])
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
  expect(wrong.stderr).toMatch(/^ixj: usage: Cannot meet anybody/)
  const nothing = await bench.run([])
  expect(nothing).toMatchObject({ code: 2, stdout: '' })
  expect(nothing.stderr).toContain('Usage: ixj [options] [command]')
})

test.each([
  [],
  ['key', 'new'],
  ['key', 'show'],
  ['key', 'list'],
  ['key', 'accept'],
  ['bind'],
  ['trust', 'anchor', 'add'],
  ['trust', 'anchor', 'list'],
  ['trust', 'anchor', 'remove'],
  ['explain'],
  ['node', 'run'],
  ['sub'],
  ['pub'],
  ['resolve'],
  ['doctor'],
  ['trust', 'forget'],
  ['zone', 'init'],
  ['zone', 'serve'],
  ['zone', 'show'],
  ['zone', 'export'],
  ['zone', 'list'],
  ['zone', 'delegate'],
  ['zone', 'accept'],
  ['zone', 'undelegate'],
  ['agent', 'add'],
  ['agent', 'renew'],
  ['agent', 'rotate'],
  ['agent', 'suspend'],
  ['agent', 'resume'],
  ['agent', 'remove'],
  ['agent', 'list'],
])('%s %s %s --help gives an example, and ends with 0', async (...words) => {
  const { code, stderr } = await refusal([...words, '--help'])
  expect(code).toBe(0)
  expect(stderr).toMatch(/Examples?:\n {2}\$ ixj /)
  expect(stderr).toContain('--home')
})
