import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { issueTo } from '@ixj/agent'
import { type Name, parentName } from '@ixj/names'
import { nodeRandom, nodeSha256, openHome, systemClock } from '@ixj/node/home'
import { type AnchorFields, PURPOSES } from '@ixj/trust'
import { type Source, sourceOf } from './configuration/sources.ts'

const YEAR_SECONDS = 365 * 24 * 3_600
const PAGE = fileURLToPath(new URL('../../page/dist/site', import.meta.url))

/** What holds with `--development` where nothing else is said: all of it on this machine. */
export function developmentSource(): Source {
  const page = existsSync(join(PAGE, 'index.html')) ? { page: { folder: PAGE } } : {}
  const values = {
    name: 'relay1.acme.example',
    home: '.cache/relay',
    origins: ['none', 'http://localhost:5173'],
    ...page,
  }
  return sourceOf(values, () => '--development')
}

/**
 * Makes what a relay needs in a home: a key of its organisation, which the home trusts from then on,
 * and one of its own, bound for a year. What is there stays as it is. Gives what was made.
 * @throws HomeError; TrustError
 */
export async function makeDevelopmentHome(folder: string, name: Name): Promise<readonly Name[]> {
  const home = await openHome(folder)
  const known = await home.keyNames()
  const organisation = parentName(name)
  if (known.includes(name) || organisation === undefined) return []
  const isNew = !known.includes(organisation)
  const signer = isNew ? await home.createKey(organisation) : await home.readSigner(organisation)
  if (isNew) {
    const fields: AnchorFields = {
      name: organisation,
      keys: [signer.publicKey],
      purposes: PURPOSES,
    }
    await home.updateAnchors((anchors) => anchors.with(fields))
  }
  const { publicKey } = await home.createKey(name)
  const statements = await issueTo(
    { name: organisation, signer, statements: await home.readStatements(organisation) },
    { name, key: publicKey },
    { lifetimeSeconds: YEAR_SECONDS },
    { clock: systemClock, random: nodeRandom, hash: nodeSha256 },
  )
  await home.writeStatements(name, statements)
  return isNew ? [organisation, name] : [name]
}
