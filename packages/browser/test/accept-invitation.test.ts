import { AnchorSet, PURPOSES, sha256 } from '@ixj/trust'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { inviteScene } from '../../agent/test/invitations/invitation-scene.ts'
import { acceptInvitation, openBrowserHome } from '../src/index.ts'
import { pageParts } from './page-parts.ts'

/** A relay that has its scene's inviter answer. */
async function relayOf(scene: ReturnType<typeof inviteScene>): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = []
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
      const { bytes } = await scene.inviting.answer(Uint8Array.from(Buffer.concat(parts)))
      response.end(bytes)
    })()
  })
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a page trusts the key that its inviter has by now, and commits to', async () => {
  const scene = inviteScene(1, Date.now())
  const rolled = scene.rollOver()
  const relay = await relayOf(scene)
  await using home = await acceptInvitation(scene.invitation, { relay, ...pageParts() })
  const [anchor] = (await home.readAnchors()).list
  expect([anchor?.keys, anchor?.next]).toEqual([[rolled.key], rolled.next])
})

/** A page that trusts the key in a link, whose inviter has another by now. */
async function rolledOver({ isCommitted }: { readonly isCommitted: boolean }) {
  const scene = inviteScene(1, Date.now())
  const { root, name } = scene.invitation
  const rolled = scene.rollOver()
  const parts = pageParts()
  const next = isCommitted ? { next: sha256(rolled.key) } : {}
  await using home = await openBrowserHome(name, parts)
  await home.writeAnchors(
    new AnchorSet([{ name: root.name, keys: [root.key], purposes: PURPOSES, ...next }]),
  )
  const relay = await relayOf(scene)
  return {
    root,
    rolled,
    name,
    parts,
    accept: () => acceptInvitation(scene.invitation, { relay, ...parts }),
  }
}

test('a page that trusts somebody already takes the key that its anchor commits to', async () => {
  const { rolled, accept } = await rolledOver({ isCommitted: true })
  await using home = await accept()
  expect((await home.readAnchors()).list[0]?.keys).toEqual([rolled.key])
})

test('a page that trusts somebody already takes no other key, though the link names the one it trusts', async () => {
  const { root, name, parts, accept } = await rolledOver({ isCommitted: false })
  await expect(accept()).rejects.toMatchObject({ code: 'enrolled' })
  await using home = await openBrowserHome(name, parts)
  expect((await home.readAnchors()).list[0]?.keys).toEqual([root.key])
})

test('a link does not replace whom a name trusts here already', async () => {
  const scene = inviteScene()
  const { invitation } = scene
  const parts = pageParts()
  const { publicKey } = scene.newKey()
  const known = new AnchorSet([
    { name: invitation.root.name, keys: [publicKey], purposes: PURPOSES },
  ])
  {
    await using home = await openBrowserHome(invitation.name, parts)
    await home.writeAnchors(known)
  }
  // Nobody is asked: there is no relay.
  const accepting = acceptInvitation(invitation, { relay: 'http://127.0.0.1:1', ...parts })
  await expect(accepting).rejects.toMatchObject({ code: 'enrolled' })
  await using home = await openBrowserHome(invitation.name, parts)
  expect((await home.readAnchors()).list[0]?.keys).toEqual([publicKey])
})
