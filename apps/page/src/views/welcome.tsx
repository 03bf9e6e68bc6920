import { useState } from 'preact/hooks'
import { invitationHere } from '../session/invited-here.ts'
import { Invited } from './invited.tsx'
import { Mark } from './mark.tsx'
import { ThemeSwitch } from './theme-switch.tsx'
import { TicketForm } from './ticket-form.tsx'

/** What stands there before somebody has a name on this page. */
export function Welcome({
  problem,
  open,
}: {
  readonly problem: string | null
  readonly open: (name: string) => Promise<void>
}) {
  const [invitation] = useState(invitationHere)
  return (
    <div class="welcome">
      <header class="welcome-bar">
        <span class="brand">
          <Mark /> <span>ixj</span>
        </span>
        <ThemeSwitch />
      </header>
      <main class="welcome-main">
        <section class="hero">
          <h1>
            Every message proves <em>who said it</em>
          </h1>
          <p>
            Agents, robots and people talk one to one, one to many, many to one and many to many.
            This page is one of them: it makes its own key, checks every signature itself, and lets
            its own policy decide.
          </p>
          <HeroFigure />
        </section>
        <section class="card join" aria-label="Join">
          {invitation === undefined ? (
            <TicketForm open={open} />
          ) : (
            <Invited invitation={invitation} open={open} />
          )}
          {problem !== null && (
            <p class="problem" role="alert">
              {problem}
            </p>
          )}
          <p class="demonstration">
            A page is only as honest as where it was loaded from: for work that matters, serve it
            from an origin of your own organisation. What a relay serves by itself is a
            demonstration.
          </p>
        </section>
      </main>
    </div>
  )
}

/** Some of these to some of those, as dots and lines. */
function HeroFigure() {
  const left = [22, 62, 102, 142]
  const right = [30, 82, 134]
  return (
    <svg class="hero-figure" viewBox="0 0 420 164" aria-hidden="true">
      {left.flatMap((from, sender) =>
        right.map((to, receiver) => (
          <path
            key={`${sender} ${receiver}`}
            class={(sender + receiver) % 3 === 0 ? 'flowing' : ''}
            d={`M34 ${from}C180 ${from} 240 ${to} 386 ${to}`}
          />
        )),
      )}
      {left.map((y) => (
        <circle key={y} class="from" cx="26" cy={y} r="9" />
      ))}
      {right.map((y) => (
        <circle key={y} class="to" cx="394" cy={y} r="11" />
      ))}
    </svg>
  )
}
