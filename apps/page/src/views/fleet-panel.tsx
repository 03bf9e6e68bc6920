import { useEffect, useState } from 'preact/hooks'
import type { Flow } from '../mesh/flow-log.ts'
import { readFloor, type Robot } from '../mesh/fleet-floor.ts'
import type { MeshView } from '../mesh/mesh-view.ts'
import { FloorMap } from './floor-map.tsx'
import { Notices } from './notices.tsx'
import { Refusals } from './refusals.tsx'

/** A warehouse floor, and what a person may do on it. */
export function FleetPanel({
  view,
  explain,
}: {
  readonly view: MeshView
  readonly explain: (flow: Flow) => void
}) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [armed, setArmed] = useState<string | null>(null)
  const groups = view.groups.map(({ topic }) => topic)
  const { floor, robots, refusals, unread } = readFloor(view.registers, groups)
  const robot = robots.find(({ name }) => name === chosen)
  // By what stands in registers, which is text.
  const revoked: ReadonlyMap<string, number> = view.revoked
  const register = view.registers.find(
    ({ sender, register: of }) => sender === chosen && of === 'pose',
  )
  useEffect(() => setArmed(null), [chosen])
  if (floor === null) {
    return (
      <section class="card empty-fleet">
        <h2>No floor yet</h2>
        <p>
          Nobody in the groups of <b>{view.node.name}</b> shares a floor. Start one with{' '}
          <code>npm run demo:fleet</code>.
        </p>
      </section>
    )
  }
  const refused = view.flows.flows
    .filter(({ code, about }) => code !== null && about === 'bundle')
    .slice(0, 6)
  const revoke = (name: string) => {
    const held = view.registers.find(({ sender }) => sender === name)
    const member = view.members.find((each) => each.name === name)
    const key = held?.senderKey ?? member?.key
    const owner = held?.sender ?? member?.name
    if (key !== undefined && owner !== undefined) void view.revoke(owner, key)
    setArmed(null)
  }
  return (
    <div class="fleet">
      <section class="card floor-card" aria-label="Floor">
        <header class="card-head">
          <h2>Floor</h2>
          <span class="count">
            {robots.length} robots · {robots.filter(({ isStale }) => isStale).length} stale
            {unread > 0 && ` · ${unread} unreadable`}
          </span>
        </header>
        <FloorMap
          floor={floor}
          robots={robots}
          chosen={chosen}
          choose={(name) => setChosen(name === chosen ? null : name)}
          revoked={revoked}
        />
        <ul class="legend">
          <li>
            <span class="swatch swatch-drives" /> drives
          </li>
          <li>
            <span class="swatch swatch-carries" /> carries
          </li>
          <li>
            <span class="swatch swatch-waits" /> gives way
          </li>
          <li>
            <span class="swatch swatch-stopped" /> stopped
          </li>
          <li>
            <span class="swatch swatch-silent" /> not heard of for a second: others keep their
            distance
          </li>
        </ul>
      </section>
      <div class="fleet-side">
        <section class="card" aria-label="Robots">
          <header class="card-head">
            <h2>Robots</h2>
            {view.groups[0] !== undefined && (
              <button
                class="quiet-button"
                onClick={() => void view.askAll(view.groups[0]!, 'roll-call')}
              >
                Roll-call
              </button>
            )}
          </header>
          <ul class="robot-list">
            {robots.map((each) => (
              <li key={each.name}>
                <RobotButton
                  robot={each}
                  isChosen={each.name === chosen}
                  isRevoked={revoked.has(each.name)}
                  choose={() => setChosen(each.name === chosen ? null : each.name)}
                />
              </li>
            ))}
          </ul>
          {robot !== undefined && !revoked.has(robot.name) && (
            <div class="robot-actions">
              <button class="danger" onClick={() => void view.ask(register!.sender, 'stop')}>
                Stop
              </button>
              <button onClick={() => void view.ask(register!.sender, 'go')}>Go on</button>
              {armed === robot.name ? (
                <button class="danger filled" onClick={() => revoke(robot.name)}>
                  Revoke its key for good
                </button>
              ) : (
                <button onClick={() => setArmed(robot.name)}>Revoke…</button>
              )}
            </div>
          )}
        </section>
        <Refusals told={refusals} own={refused} explain={explain} />
        <Notices view={view} />
      </div>
    </div>
  )
}

function RobotButton({
  robot,
  isChosen,
  isRevoked,
  choose,
}: {
  readonly robot: Robot
  readonly isChosen: boolean
  readonly isRevoked: boolean
  readonly choose: () => void
}) {
  const { name, age } = robot
  const state = isRevoked ? 'revoked' : robot.isStale ? 'silent' : robot.doing
  return (
    <button
      class={`robot-button${isRevoked || robot.isStale ? ' is-stale' : ''}`}
      aria-pressed={isChosen}
      onClick={choose}
    >
      <span class={`swatch swatch-${state}`} />
      <b>{name.split('.')[0]}</b>
      <span class="doing">{state}</span>
      <span class="age">{ageText(age)}</span>
    </button>
  )
}

function ageText(age: number): string {
  if (age < 1_000) return `${Math.round(age)} ms`
  return age < 10_000 ? `${(age / 1_000).toFixed(1)} s` : 'long ago'
}
