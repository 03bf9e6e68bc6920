import type { Invitation } from '@ixj/agent/invitations'
import { useState } from 'preact/hooks'
import { becomeInvited } from '../session/invited-here.ts'

/** An invitation that waits to be accepted. */
export function Invited({
  invitation,
  open,
}: {
  readonly invitation: Invitation
  readonly open: (name: string) => Promise<void>
}) {
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const accept = async () => {
    setBusy(true)
    setFault(null)
    try {
      await becomeInvited(invitation)
      await open(invitation.name)
    } catch (cause) {
      setFault(cause instanceof Error ? cause.message : String(cause))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <h2>You are invited</h2>
      <p class="step">
        as <b>{invitation.name}</b>, by the word of <b>{invitation.root.name}</b>, once, until{' '}
        {new Date(invitation.notAfter).toLocaleTimeString()}. Your key is made in this browser, and
        cannot leave it.
      </p>
      <button class="primary wide" disabled={isBusy} onClick={() => void accept()}>
        {isBusy ? 'Waiting for the inviter…' : `Become ${invitation.name}`}
      </button>
      {fault !== null && (
        <p class="problem" role="alert">
          {fault}
        </p>
      )}
    </>
  )
}
