import { type Clock, grantsOf, type Identity } from '@ixj/agent'
import { matches, type Name } from '@ixj/names'
import { type Node, openHome } from '@ixj/node'
import { fieldsOf, seal } from '../roles/forged-bundle.ts'
import { fleetHome } from './fleet-setup.ts'
import { FLOOR_GROUP, GARAGES, robotName, robotsOf } from './names.ts'

/** Between two tries. */
const TRY_MS = 250
/** What it would have all believe; whoever reads this was fooled. */
export const LIE = 'this robot is quite all right, and brings you the goods'

/** One try: a bundle with a genuine signature of a robot's key. */
export interface Tried {
  readonly name: Name
  /** Id of the bundle in hex. */
  readonly id: string
}

/**
 * Has copied the keys of all robots from their disks, and runs on a node that everybody admits. It
 * waits until one of them is revoked, and then goes on speaking in its name.
 */
export class Thief implements AsyncDisposable {
  readonly #node: Node
  readonly #clock: Clock
  readonly #keys: ReadonlyMap<Name, Copied>
  readonly #hear: (tried: Tried) => void
  readonly #failed: (cause: unknown) => void
  readonly #cancels = new Map<Name, () => void>()

  /** Use {@link openThief}. */
  constructor(
    parts: { readonly node: Node; readonly keys: ReadonlyMap<Name, Copied> },
    options: ThiefOptions,
  ) {
    this.#node = parts.node
    this.#keys = parts.keys
    this.#clock = options.clock
    this.#hear = options.hear
    this.#failed = options.failed
  }

  /** Begins to speak in the name of a robot, and does not stop. */
  speakAs(name: Name): void {
    const copied = this.#keys.get(name)
    if (copied === undefined || this.#cancels.has(name)) return
    const turn = () => {
      this.#cancels.set(name, this.#clock.at(this.#clock.now() + TRY_MS, turn))
      this.#speak(copied).catch(this.#failed)
    }
    turn()
  }

  async #speak({ identity, fields }: Copied): Promise<void> {
    const bundle = await seal(identity.signer, { ...fields, topic: FLOOR_GROUP }, LIE)
    // Told first: whoever refuses it may be quicker than we are.
    this.#hear({ name: identity.name, id: bundle.idText })
    await this.#node.mesh.publish(FLOOR_GROUP, bundle.bytes)
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
    return Promise.resolve()
  }
}

/** What was copied of one robot. */
interface Copied {
  readonly identity: Identity
  readonly fields: Awaited<ReturnType<typeof fieldsOf>>
}

/** How a thief is opened. */
interface ThiefOptions {
  readonly clock: Clock
  readonly hear: (tried: Tried) => void
  readonly failed: (cause: unknown) => void
}

/** Copies the keys from the folder of the whole fleet, and listens on the floor as its node may. */
export async function openThief(node: Node, fleet: string, options: ThiefOptions): Promise<Thief> {
  const keys = new Map<Name, Copied>()
  for (const garage of GARAGES) {
    const home = await openHome(fleetHome(fleet, garage))
    for (const number of robotsOf(garage)) {
      const identity = await home.readIdentity(robotName(number))
      const grant = grantsOf(identity).find(({ statement: { actions, topics } }) => {
        return actions.includes('publish') && topics.some((topic) => matches(topic, FLOOR_GROUP))
      })
      keys.set(identity.name, { identity, fields: await fieldsOf(node, identity, grant) })
    }
  }
  await node.host.self.join(FLOOR_GROUP, { quiet: true })
  return new Thief({ node, keys }, options)
}
