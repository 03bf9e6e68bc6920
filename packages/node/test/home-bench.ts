import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueTo, type SpawnOptions } from '@ixj/agent'
import { type Name, parseName } from '@ixj/names'
import { AnchorSet, PURPOSES } from '@ixj/trust'
import { type Home, openHome } from '../src/home.ts'
import { nodeRandom, nodeSha256 } from '../src/node-keys.ts'
import { systemClock } from '../src/system-clock.ts'

/** The organisation of the homes below. */
export const acme = parseName('acme.example')

/** A folder of its own, gone afterwards. */
export async function openFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'ixj-home-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A home that has the organisation's key and trusts it. */
export async function openOffice(folder: string): Promise<Home> {
  const office = await openHome(folder)
  const { publicKey } = await office.createKey(acme)
  await office.writeAnchors(new AnchorSet([{ name: acme, keys: [publicKey], purposes: PURPOSES }]))
  return office
}

/** A home that trusts what another one trusts. */
export async function openField(folder: string, office: Home): Promise<Home> {
  const field = await openHome(folder)
  await field.writeAnchors(await office.readAnchors())
  return field
}

/** Makes a key in a home and has the organisation, in the office, bind it and grant it these. */
export async function born(
  birth: { readonly office: Home; readonly home: Home; readonly name: Name },
  options: Partial<SpawnOptions> = {},
): Promise<void> {
  const { office, home, name } = birth
  const { publicKey } = await home.createKey(name)
  const statements = await issueTo(
    await office.readIdentity(acme),
    { name, key: publicKey },
    { lifetimeSeconds: 600, ...options },
    { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
  )
  await home.writeStatements(name, statements)
}
