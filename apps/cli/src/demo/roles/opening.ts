import { openNode, type Node } from '@ixj/node'
import { watch } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { tell, tellCounts, tellRefusals, type Role } from '../events.ts'
import { homeOf, nodeOf } from '../setup.ts'

/** What a process of the main job is started with. */
export interface RoleOptions {
  /** The folder of the whole mesh; a process reads its own home in it and the others' addresses. */
  readonly mesh: string
  /** Multiaddrs to listen on. */
  readonly listen: readonly string[]
  /** Ends the process. */
  readonly signal: AbortSignal
}

/** Opens the node of a role, tells its address, and dials the roles that were there before. */
export async function openRole(
  role: Role,
  options: RoleOptions,
  neighbours: readonly Role[],
): Promise<Node> {
  const node = await openNode({
    name: nodeOf(role),
    home: homeOf(options.mesh, role),
    listen: options.listen,
  })
  void tellRefusals(role, node.host)
  await writeAddress(options.mesh, role, node.addresses)
  for (const neighbour of neighbours) {
    node.keepDialing(await readAddress(options.mesh, neighbour, options.signal))
  }
  tell({ event: 'ready', role, node: node.name })
  return node
}

/** Waits for the end, then closes the node and tells what it decided. */
export async function untilEnd(
  role: Role,
  node: Node,
  options: { readonly signal: AbortSignal; sent(): number },
): Promise<void> {
  await aborted(options.signal)
  tellCounts(role, node.host, options.sent())
  await node[Symbol.asyncDispose]()
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function addressFile(mesh: string, role: string): string {
  return join(mesh, 'addresses', role)
}

async function writeAddress(mesh: string, role: string, all: readonly string[]): Promise<void> {
  const address = all.find((each) => !each.includes('/127.0.0.1/')) ?? all[0]
  if (address === undefined) throw new Error(`The node of ${role} has no address`)
  const file = addressFile(mesh, role)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, address)
  await rename(`${file}.new`, file)
}

/** Another process's address, as soon as it has told it. */
export async function readAddress(
  mesh: string,
  role: string,
  signal: AbortSignal,
): Promise<string> {
  const file = addressFile(mesh, role)
  await mkdir(dirname(file), { recursive: true })
  signal.throwIfAborted()
  return await new Promise<string>((resolve, reject) => {
    const end = (settle: () => void) => {
      watcher.close()
      signal.removeEventListener('abort', abort)
      settle()
    }
    const abort = () =>
      end(() => reject(new Error('The wait for an address was ended', { cause: signal.reason })))
    const look = async () => {
      try {
        const address = await readFile(file, 'utf8')
        end(() => resolve(address))
      } catch (cause) {
        const failure = cause as NodeJS.ErrnoException
        if (failure.code !== 'ENOENT') end(() => reject(failure))
      }
    }
    // The watch begins before the first look, so that no file slips through between them.
    const watcher = watch(dirname(file), () => void look())
    signal.addEventListener('abort', abort, { once: true })
    void look()
  })
}
