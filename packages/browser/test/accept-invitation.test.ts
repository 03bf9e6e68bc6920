import { AnchorSet, PURPOSES } from '@ixj/trust'
import { expect, test } from 'vitest'
import { inviteScene } from '../../agent/test/invitations/invitation-scene.ts'
import { acceptInvitation, openBrowserHome } from '../src/index.ts'
import { pageParts } from './page-parts.ts'

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
