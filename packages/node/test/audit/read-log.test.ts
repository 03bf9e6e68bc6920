import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8Text } from '@ixj/trust'
import { expect, test } from 'vitest'
import { CHECKPOINTS_BYTES_MAX } from '../../src/audit/limits.ts'
import { openLogFolder } from '../../src/home.ts'
import { openFolder } from '../home-bench.ts'

test('a log that is older than a verifier reads gives its newest checkpoints, from the first whole one', async () => {
  await using folder = await openFolder()
  const note = `n1.acme.example/ixj/audit\n1\nAAAA\n\n— n1.acme.example/ixj/audit BBBBBB==\n`
  const file = Buffer.alloc(CHECKPOINTS_BYTES_MAX + 30, note)
  await writeFile(join(folder.path, 'checkpoints'), file, { mode: 0o600 })
  const bytes = await openLogFolder(folder.path).checkpoints()
  expect(bytes.length).toBeLessThanOrEqual(CHECKPOINTS_BYTES_MAX)
  expect(bytes.length).toBeGreaterThan(CHECKPOINTS_BYTES_MAX - Buffer.byteLength(note))
  expect(utf8Text(bytes.subarray(0, Buffer.byteLength(note)))).toBe(note)
  expect(Buffer.compare(bytes, file.subarray(-bytes.length))).toBe(0)
})
