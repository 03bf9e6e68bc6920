import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ManualClock } from '@ixj/agent'
import { toBase64url, utf8Bytes } from '@ixj/trust'
import { expect, test } from 'vitest'
import { openHome } from '../src/home.ts'
import { watchNotices } from '../src/watched-notices.ts'
import { openFolder } from './home-bench.ts'

test('a revocation that could not be read counts when that is cured, and is told of once', async () => {
  await using folder = await openFolder()
  const home = await openHome(join(folder.path, 'home'))
  await mkdir(join(home.folder, 'revoked'))
  const path = join(home.folder, 'revoked', 'one.json')
  const notice = toBase64url(utf8Bytes('a notice'))
  await writeFile(path, JSON.stringify({ version: 1, notice }), { mode: 0o600 })
  await chmod(path, 0o622)
  const taken: Uint8Array[] = []
  const told: string[] = []
  const clock = new ManualClock()
  const host = { takeNotice: (bytes: Uint8Array) => Promise.resolve(taken.push(bytes) > 0) }
  const refused = (file: string) => void told.push(file)
  using open = new DisposableStack()
  open.use(await watchNotices(home, host, { clock, refused }))
  const look = async () => {
    await clock.advance(500)
    return taken.length
  }
  for (let times = 0; times < 5; times++) await look()
  expect([taken.length, told]).toEqual([0, ['one.json']])
  await chmod(path, 0o600)
  await expect.poll(look, { interval: 5 }).toBe(1)
  for (let times = 0; times < 5; times++) await look()
  expect(taken).toEqual([utf8Bytes('a notice')])
})
