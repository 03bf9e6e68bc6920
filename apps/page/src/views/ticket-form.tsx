import { openBrowserHome } from '@ixj/browser'
import { toBase64url } from '@ixj/trust'
import { useState } from 'preact/hooks'
import { keepTicket } from '../session/open-session.ts'
import { parseTicket } from '../session/ticket.ts'

/** Joins by hand: the key is shown, and what was stated of it is given back. */
export function TicketForm({ open }: { readonly open: (name: string) => Promise<void> }) {
  const [name, setName] = useState('')
  const [key, setKey] = useState<string | null>(null)
  const [ticket, setTicket] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const makeKey = async () => {
    await using home = await openBrowserHome(name.trim())
    setKey(toBase64url((await home.signer()).publicKey))
  }
  const join = async () => {
    {
      await using home = await openBrowserHome(name.trim())
      await keepTicket(home, parseTicket(ticket))
    }
    await open(name.trim())
  }
  const submit = async () => {
    try {
      setFault(null)
      await (key === null ? makeKey() : join())
    } catch (cause) {
      setFault(cause instanceof Error ? cause.message : String(cause))
    }
  }
  return (
    <>
      <h2>Join with a key of your own</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <label>
          Your name
          <input
            name="name"
            value={name}
            placeholder="sam.acme.example"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            disabled={key !== null}
            required
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        {key === null ? (
          <button class="primary">Make my key</button>
        ) : (
          <>
            <p class="step">
              This is the public half of your key. The other half cannot leave this browser, not
              even by a script of this page. Have whoever owns <b>{parentOf(name)}</b> bind it:
            </p>
            <pre class="command" data-key={key}>
              ixj bind {name.trim()} --key {key}
            </pre>
            <label>
              What they gave you
              <textarea
                name="ticket"
                value={ticket}
                rows={5}
                spellcheck={false}
                required
                onInput={(event) => setTicket(event.currentTarget.value)}
              />
            </label>
            <button class="primary">Join</button>
          </>
        )}
      </form>
      {fault !== null && (
        <p class="problem" role="alert">
          {fault}
        </p>
      )}
    </>
  )
}

function parentOf(name: string): string {
  const [, ...above] = name.trim().split('.')
  return above.length < 2 ? 'the name above yours' : above.join('.')
}
