import type { Floor, Rectangle, Robot } from '../mesh/fleet-floor.ts'

/** The floor from above. Robots glide from one place they told to the next. */
export function FloorMap({
  floor,
  robots,
  chosen,
  choose,
  revoked,
}: {
  readonly floor: Floor
  readonly robots: readonly Robot[]
  readonly chosen: string | null
  readonly choose: (name: string) => void
  readonly revoked: ReadonlyMap<string, number>
}) {
  const { width, height, racks, gate, isGateOpen } = floor
  return (
    <svg
      class="floor"
      viewBox={`-0.5 -0.5 ${width + 1} ${height + 1}`}
      role="group"
      aria-label={`Floor of ${width} by ${height} metres with ${robots.length} robots`}
    >
      <defs>
        <pattern id="grid" width="1" height="1" patternUnits="userSpaceOnUse">
          <path d="M1 0H0V1" class="grid-line" />
        </pattern>
      </defs>
      <rect x="0" y="0" width={width} height={height} rx="0.4" class="ground" />
      <rect x="0" y="0" width={width} height={height} rx="0.4" fill="url(#grid)" />
      {racks.map((rack) => (
        <Rack key={`${rack.x} ${rack.y}`} rack={rack} />
      ))}
      {gate !== null && (
        <g class={isGateOpen ? 'gate gate-open' : 'gate'}>
          <rect x={gate.x} y={gate.y} width={gate.width} height={gate.height} rx="0.15" />
          <text x={gate.x + gate.width / 2} y={gate.y - 0.3}>
            {isGateOpen ? 'gate open' : 'gate: needs an approval'}
          </text>
        </g>
      )}
      {robots.map((robot) => (
        <Path key={robot.name} robot={robot} isChosen={robot.name === chosen} />
      ))}
      {robots.map((robot) => (
        <RobotMark
          key={robot.name}
          robot={robot}
          isChosen={robot.name === chosen}
          isRevoked={revoked.has(robot.name)}
          choose={choose}
        />
      ))}
    </svg>
  )
}

function Rack({ rack }: { readonly rack: Rectangle }) {
  const { x, y, width, height } = rack
  const bays = Math.max(1, Math.round(width))
  return (
    <g class="rack">
      <rect x={x} y={y} width={width} height={height} rx="0.18" />
      {Array.from({ length: bays - 1 }, (_, bay) => (
        <path key={bay} d={`M${x + ((bay + 1) * width) / bays} ${y + 0.12}v${height - 0.24}`} />
      ))}
    </g>
  )
}

function Path({ robot, isChosen }: { readonly robot: Robot; readonly isChosen: boolean }) {
  const { goal, x, y, isStale } = robot
  if (goal === null || isStale) return null
  return (
    <g class={isChosen ? 'path path-chosen' : 'path'}>
      <path d={`M${x} ${y}L${goal.x} ${goal.y}`} />
      <circle cx={goal.x} cy={goal.y} r="0.14" />
    </g>
  )
}

function RobotMark({
  robot,
  isChosen,
  isRevoked,
  choose,
}: {
  readonly robot: Robot
  readonly isChosen: boolean
  readonly isRevoked: boolean
  readonly choose: (name: string) => void
}) {
  const { name, x, y, heading, doing, isStale } = robot
  const label = name.split('.')[0] ?? name
  const state = isRevoked ? 'revoked' : isStale ? 'stale' : doing
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    choose(name)
  }
  return (
    <g
      class={`robot robot-${state}${isChosen ? ' is-chosen' : ''}`}
      role="button"
      tabIndex={0}
      aria-label={`Robot ${label}, ${state}`}
      aria-pressed={isChosen}
      onClick={() => choose(name)}
      onKeyDown={pressed}
      style={{ transform: `translate(${x}px, ${y}px)` }}
    >
      <circle class="halo" r="0.95" />
      <g transform={`rotate(${heading})`}>
        <rect x="-0.46" y="-0.36" width="0.92" height="0.72" rx="0.2" class="body" />
        <path d="M0.18 -0.2L0.36 0L0.18 0.2" class="nose" />
      </g>
      {doing === 'carries' && (
        <rect x="-0.24" y="-0.2" width="0.36" height="0.4" rx="0.06" class="load" />
      )}
      <text y="-0.58">{label}</text>
    </g>
  )
}
