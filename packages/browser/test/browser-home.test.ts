import { AgentError } from '@ixj/agent'
import { AnchorSet, equalBytes } from '@ixj/trust'
import { describe, expect, it } from 'vitest'
import { World, ownAnchor } from '../../../test/world/world.ts'
import { BrowserError } from '../src/browser-error.ts'
import { DatabaseJournal } from '../src/home/database-journal.ts'
import { openDatabase } from '../src/home/database.ts'
import { openBrowserHome } from '../src/home/browser-home.ts'
import { pageParts } from './page-parts.ts'

const SAM = 'sam.acme.example'

describe('openBrowserHome()', () => {
  it('gives the same key when a page opens again, and no script can export it', async () => {
    const parts = pageParts()
    const key = async () => {
      await using home = await openBrowserHome(SAM, parts)
      return (await home.signer()).publicKey
    }
    expect(await key()).toEqual(await key())
    const database = await openDatabase(parts.databases, `ixj/${SAM}`)
    const pair: CryptoKeyPair = await database.read('keys', (keys) => keys.get('sign'))
    await expect(parts.subtle.exportKey('pkcs8', pair.privateKey)).rejects.toThrow('extractable')
  })

  it('refuses a second tab with the name, until the first has closed', async () => {
    const parts = pageParts()
    const first = await openBrowserHome(SAM, parts)
    const refusal = await openBrowserHome(SAM, parts).catch((cause: unknown) => cause)
    expect(refusal).toMatchObject({ name: 'BrowserError', code: 'in-use' })
    await first[Symbol.asyncDispose]()
    await using second = await openBrowserHome(SAM, parts)
    expect(second.name).toBe(SAM)
  })

  it('keeps statements and anchors over reloads', async () => {
    const parts = pageParts()
    const world = new World(1)
    const acme = world.organisation('acme.example')
    const { statements } = await world.bind(acme, SAM)
    {
      await using home = await openBrowserHome(SAM, parts)
      expect(await home.readStatements()).toEqual([])
      await home.writeStatements(statements)
      await home.writeAnchors(new AnchorSet([ownAnchor(acme)]))
    }
    await using home = await openBrowserHome(SAM, parts)
    const read = await home.readStatements()
    expect(read.map(({ idText }) => idText)).toEqual(statements.map(({ idText }) => idText))
    const [anchor] = (await home.readAnchors()).list
    expect(equalBytes(anchor!.keys[0]!, acme.signer.publicKey)).toBe(true)
    await world.close()
  })

  it('does not open as an identity before it is enrolled', async () => {
    await using home = await openBrowserHome(SAM, pageParts())
    const refusal: unknown = await home.readIdentity().catch((cause: unknown) => cause)
    expect(refusal).toBeInstanceOf(BrowserError)
    expect(refusal).toMatchObject({ code: 'not-enrolled' })
  })

  it('opens what was sealed to its key, after a reload too', async () => {
    const parts = pageParts()
    const { webCryptoSealer } = await import('../src/web-crypto-sealer.ts')
    const sealer = webCryptoSealer(parts.subtle)
    const info = Uint8Array.of(7)
    const sealed = await (async () => {
      await using home = await openBrowserHome(SAM, parts)
      return await sealer.seal((await home.opening()).publicKey, Uint8Array.of(1, 2), info)
    })()
    await using home = await openBrowserHome(SAM, parts)
    const opening = await home.opening()
    expect(await opening.open(sealed, info)).toEqual(Uint8Array.of(1, 2))
    expect(await opening.open(sealed, Uint8Array.of(8))).toBeUndefined()
  })
})

describe('DatabaseJournal', () => {
  const place = (first: number, forgetAt: number) => ({
    lane: 'a|b|cc|event',
    epoch: 1,
    stream: 'a|b|cc|event|1',
    key: 'cc',
    first,
    count: 1,
    id: 'ff'.repeat(32),
    forgetAt,
  })

  it('gives the places that were taken, without those that have ended', async () => {
    const { databases } = pageParts()
    const database = await openDatabase(databases, 'journal')
    const journal = new DatabaseJournal(database)
    for (const [first, until] of [
      [1, 100],
      [2, 300],
      [3, 200],
    ] as const)
      journal.append(place(first, until))
    await journal.settled()
    const found = await new DatabaseJournal(database).load(150)
    expect(found).toEqual([place(2, 300), place(3, 200)])
    expect(await new DatabaseJournal(database).load(300)).toEqual([place(2, 300)])
  })

  it('takes nothing more once a place could not be written', async () => {
    const { databases } = pageParts()
    const database = await openDatabase(databases, 'journal')
    const journal = new DatabaseJournal(database)
    database[Symbol.dispose]()
    journal.append(place(1, 100))
    await journal.settled()
    expect(() => journal.append(place(2, 100))).toThrow(AgentError)
  })
})
