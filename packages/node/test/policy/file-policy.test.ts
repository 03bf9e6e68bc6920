import { renameSync, writeFileSync } from 'node:fs'
import { appendFile, chmod, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, ManualClock } from '@ixj/agent'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { POLICY_SETTLE_MS, systemClock } from '../../src/home.ts'
import { type FilePolicy, openFilePolicy, type PolicyChange } from '../../src/policy.ts'
import { openFolder } from '../home-bench.ts'
import { makeRequest } from './policy-request.ts'

const PERMIT = '@id("old")\npermit (principal, action, resource);'
const FORBID = '@id("new")\nforbid (principal, action, resource);'

let open: AsyncDisposableStack
let path: string

beforeEach(async () => {
  open = new AsyncDisposableStack()
  path = join(open.use(await openFolder()).path, 'policy.cedar')
  await writeFile(path, PERMIT, { mode: 0o600 })
})

afterEach(async () => {
  await open.disposeAsync()
})

async function opened(clock: Clock = systemClock): Promise<FilePolicy> {
  return open.use(await openFilePolicy(path, { clock }))
}

const ruleOf = (policy: FilePolicy): string => policy.decide(makeRequest()).rule

async function next(changes: AsyncIterable<PolicyChange>): Promise<PolicyChange> {
  for await (const change of changes) return change
  throw new Error('The policy was closed')
}

/** Replaces the file at once, as careful editors do. */
async function replace(text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

test('a file that is written, or replaced, decides from then on, and tells of it', async () => {
  const policy = await opened()
  const changes = policy.changes()
  expect(ruleOf(policy)).toBe('permit "old" (policy.cedar:2)')
  await writeFile(path, FORBID)
  expect(await next(policy.changes())).toMatchObject({ kind: 'loaded', rules: 1, warnings: [] })
  expect(ruleOf(policy)).toBe('forbid "new" (policy.cedar:2)')
  await replace(PERMIT)
  await next(policy.changes())
  expect(ruleOf(policy)).toBe('permit "old" (policy.cedar:2)')
  expect(changes.size).toBe(2)
})

test.each([
  ['does not parse', `${FORBID}\npermit (`, 'syntax'],
  ['does not validate', 'permit (principal, action, resource)\nwhen { context.x };', 'invalid'],
  ['has nothing in it', '', 'empty'],
])('a file that %s keeps the old policy and says so', async (_, text, code) => {
  const policy = await opened(new ManualClock())
  await writeFile(path, text)
  expect(await policy.reload()).toMatchObject({ kind: 'kept', cause: { code } })
  expect(ruleOf(policy)).toBe('permit "old" (policy.cedar:2)')
  await writeFile(path, FORBID)
  expect(await policy.reload()).toMatchObject({ kind: 'loaded' })
  expect(ruleOf(policy)).toBe('forbid "new" (policy.cedar:2)')
})

test('a file that is gone, or that others may write, keeps the old policy and says so', async () => {
  const policy = await opened(new ManualClock())
  await chmod(path, 0o622)
  expect(await policy.reload()).toMatchObject({ kind: 'kept', cause: { code: 'unsafe-mode' } })
  await rm(path)
  expect(await policy.reload()).toMatchObject({ kind: 'kept', cause: { code: 'absent' } })
  expect(ruleOf(policy)).toBe('permit "old" (policy.cedar:2)')
})

test('reload() of the same text changes nothing, and forgets no decision', async () => {
  const policy = await opened(new ManualClock())
  const decision = policy.decide(makeRequest())
  expect(await policy.reload()).toBeUndefined()
  expect(policy.decide(makeRequest())).toBe(decision)
})

test('a cached decision does not outlive the text that made it', async () => {
  const policy = await opened(new ManualClock())
  expect(policy.decide(makeRequest()).permit).toBe(true)
  await replace(FORBID)
  await policy.reload()
  expect(policy.decide(makeRequest()).permit).toBe(false)
})

test('a file is read only when it has been left alone: half of a text may be a policy, too', async () => {
  const clock = new ManualClock()
  const policy = await opened(clock)
  const changes = policy.changes()
  const half = 'permit (principal, action, resource);'
  await writeFile(path, half)
  await told(clock, 0)
  await clock.advance(POLICY_SETTLE_MS - 1)
  await appendFile(path, '\nforbid (principal, action, resource);')
  // The second change puts it off again.
  await told(clock, POLICY_SETTLE_MS)
  await clock.advance(POLICY_SETTLE_MS - 1)
  expect(changes.size).toBe(0)
  await clock.advance(1)
  expect(await next(changes)).toMatchObject({ kind: 'loaded', rules: 2 })
  expect(policy.decide(makeRequest()).permit).toBe(false)
})

/** Waits until the operating system has told of a change: the file is to be read after `later`. */
async function told(clock: ManualClock, later: number): Promise<void> {
  await expect.poll(() => clock.next ?? 0).toBeGreaterThan(later)
}

test('a text that is written while the first one is compiled decides, too', async () => {
  for (let turns = 0; turns < 24; turns += 1) {
    await writeFile(path, PERMIT)
    const clock = new ManualClock()
    const opening = openFilePolicy(path, { clock })
    for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done))
    writeFileSync(`${path}.new`, FORBID, { mode: 0o600 })
    renameSync(`${path}.new`, path)
    await using policy = await opening
    const decided = async () => {
      await clock.advance(POLICY_SETTLE_MS)
      return policy.decide(makeRequest()).permit
    }
    await expect.poll(decided, { interval: 5, timeout: 300 }).toBe(false)
  }
})

test('a file that a link leads to is read again, too, wherever it lies', async () => {
  await using elsewhere = await openFolder()
  const target = join(elsewhere.path, 'rules')
  await writeFile(target, PERMIT, { mode: 0o600 })
  await rm(path)
  await symlink(target, path)
  const policy = await opened()
  await writeFile(target, FORBID)
  await expect.poll(() => policy.decide(makeRequest()).permit, { timeout: 5_000 }).toBe(false)
})

test('decisions in the midst of reloads are by the old text or the new one, never by neither', async () => {
  const policy = await opened(new ManualClock())
  const rules = new Map<string, number>()
  let asked = 0
  const reloading = new AbortController()
  const reloads = (async () => {
    for (let round = 0; round < 30; round++) {
      // Every third is no policy at all.
      await replace([FORBID, PERMIT, 'permit ('][round % 3]!)
      await policy.reload()
    }
    reloading.abort()
  })()
  while (!reloading.signal.aborted) {
    for (let burst = 0; burst < 20; burst++) {
      const decision = policy.decide(makeRequest({ bytes: (asked += 1), now: asked }))
      const expected = decision.permit ? 'permit "old"' : 'forbid "new"'
      expect(decision.rule).toBe(`${expected} (policy.cedar:2)`)
      rules.set(decision.rule, (rules.get(decision.rule) ?? 0) + 1)
    }
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }
  await reloads
  expect(rules.size).toBe(2)
})

test('disposing twice is fine, ends its readers, and leaves the decisions', async () => {
  const policy = await opened(new ManualClock())
  const changes = policy.changes()
  await policy[Symbol.asyncDispose]()
  await policy[Symbol.asyncDispose]()
  expect((await changes.take()).done).toBe(true)
  expect(ruleOf(policy)).toBe('permit "old" (policy.cedar:2)')
})
