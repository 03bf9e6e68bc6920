import { spawn, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ground } from '../ground.ts'

const PROGRAM = 'nats-server'
/** Where Debian puts servers is not on every user's path. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`
const env = { ...process.env, PATH }

/** What is missing for it here, if anything. */
export function missingNats(): string | undefined {
  return spawnSync(PROGRAM, ['--version'], { env }).status === 0
    ? undefined
    : `${PROGRAM} is not installed (npm run test:setup)`
}

/** A nats-server on a free port of loopback, which may keep what a slow reader has not read yet. */
export async function openNatsServer(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'ixj-bench-nats-'))
  const configuration = join(folder, 'nats.conf')
  await writeFile(
    configuration,
    'listen: "127.0.0.1:-1"\nmax_pending: 1GB\nwrite_deadline: "60s"\n',
  )
  const server = spawn(PROGRAM, ['-c', configuration, '--ports_file_dir', folder], {
    stdio: 'ignore',
    env,
  })
  const ended = once(server, 'exit')
  await once(server, 'spawn')
  const pid = server.pid ?? 0
  const port = await readPort(join(folder, `nats-server_${pid}.ports`))
  const { privateKey } = generateKeyPairSync('ed25519')
  return {
    settings: {
      port,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    pids: [pid],
    [Symbol.asyncDispose]: async () => {
      server.kill()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The server writes its ports when it listens. */
async function readPort(path: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    try {
      const { nats } = JSON.parse(await readFile(path, 'utf8')) as { nats: readonly string[] }
      return new URL(nats[0] ?? '').port
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code !== 'ENOENT' && !(cause instanceof SyntaxError)) throw cause
    }
  }
  throw new Error(`${PROGRAM} did not listen within 5 s`)
}
