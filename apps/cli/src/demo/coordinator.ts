import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ROLES,
  type AttackEvent,
  type Counts,
  type DemoEvent,
  type JobResult,
  type RefusalEvent,
  type Role,
} from './events.ts'
import { countPlainly, sameTable, type LicenceTable } from './licence-table.ts'
import { startRole, type RoleProcess } from './processes.ts'
import { setUpMesh } from './setup.ts'

/** An attack and what became of it. */
export interface AttackReport extends AttackEvent {
  readonly refused: boolean
  /** How the refusing node explains it. */
  readonly refusal: RefusalEvent | null
}

/** What the main job came to. */
export interface LicencesReport extends JobResult {
  readonly root: string
  readonly plain: LicenceTable
  readonly agrees: boolean
  readonly attacks: readonly AttackReport[]
  readonly counts: Counts
  readonly processes: number
  readonly succeeded: boolean
}

/** How the main job is run. */
export interface LicencesOptions {
  /** The folder whose packages are counted. */
  readonly root: string
  /** Whether the mesh is attacked afterwards. */
  readonly attacks: boolean
  /** The command that starts this very program. */
  readonly program: readonly string[]
  /** Hears everything that the processes tell, as it comes. */
  hear?(event: DemoEvent): void
  /** Hears of every process that was started. */
  started?(process: RoleProcess): void
  readonly signal?: AbortSignal
}

/** How long the job and the attacks may take; a machine under load needs seconds. */
const JOB_MS = 90_000

/**
 * Sets two organisations up in a folder of its own, starts their processes, has them do the job,
 * attacks the mesh, and holds the result against a plain count.
 */
export async function runLicences(options: LicencesOptions): Promise<LicencesReport> {
  const mesh = await mkdtemp(join(tmpdir(), 'ixj-licences-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(mesh, { recursive: true, force: true }))
  await setUpMesh(mesh)
  const run = new Run()
  const timeout = AbortSignal.timeout(JOB_MS)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
  signal.addEventListener(
    'abort',
    () => run.fail(new Error(`The job was stopped, or took longer than ${JOB_MS / 1_000} s`)),
    { once: true },
  )
  const processes: RoleProcess[] = []
  // All at once: none waits for another to end.
  cleanUp.defer(async () => {
    await Promise.all(processes.map((each) => each[Symbol.asyncDispose]()))
  })
  for (const role of options.attacks ? ROLES : ROLES.filter((each) => each !== 'mallory')) {
    const child = startRole(role, {
      mesh,
      root: options.root,
      program: options.program,
      hear: (event) => {
        run.hear(event)
        options.hear?.(event)
      },
      fail: (cause) => run.fail(cause),
    })
    processes.push(child)
    options.started?.(child)
  }
  const plain = await countPlainly(options.root)
  const result = await run.result
  if (options.attacks) {
    processes.find((each) => each.role === 'mallory')?.write('attack')
    await run.attacked
    await run.settled()
  }
  await Promise.all(processes.map((each) => each[Symbol.asyncDispose]()))
  return report({ options, run, result, plain, processes: processes.length })
}

function report(of: {
  readonly options: LicencesOptions
  readonly run: Run
  readonly result: JobResult
  readonly plain: LicenceTable
  readonly processes: number
}): LicencesReport {
  const { options, run, result, plain, processes } = of
  const agrees = sameTable(result.table, plain)
  const attacks = run.attacks.map((attack) => run.judge(attack))
  const made = options.attacks ? ATTACKS : 0
  return {
    ...result,
    root: options.root,
    plain,
    agrees,
    attacks,
    counts: run.counts(),
    processes,
    succeeded: agrees && attacks.length === made && attacks.every((attack) => attack.refused),
  }
}

/** Attacks that a whole run makes. */
const ATTACKS = 7
/** How long the explanation of an attack may take to come. */
const SETTLE_MS = 5_000

/** What the processes have told so far. */
class Run {
  readonly result: Promise<JobResult>
  readonly attacked: Promise<void>
  readonly attacks: AttackEvent[] = []
  readonly #refusals: { readonly role: Role; readonly refusal: RefusalEvent }[] = []
  readonly #heard = new Set<string>()
  readonly #counts: Counts[] = []
  #done: (result: JobResult) => void = () => {}
  #ended: () => void = () => {}
  #failed: (cause: Error) => void = () => {}
  #changed: () => void = () => {}

  constructor() {
    const failure = new Promise<never>((_, reject) => (this.#failed = reject))
    const done = new Promise<JobResult>((resolve) => (this.#done = resolve))
    const ended = new Promise<void>((resolve) => (this.#ended = resolve))
    this.result = Promise.race([done, failure])
    this.attacked = Promise.race([ended, failure])
    // Whoever waits for one of them hears of the failure; the other must not end the program.
    this.result.catch(() => 'told to whoever waits')
    this.attacked.catch(() => 'told to whoever waits')
  }

  fail(cause: Error): void {
    this.#failed(cause)
  }

  hear(event: DemoEvent): void {
    if (event.event === 'done') this.#done(event.result)
    else if (event.event === 'attacked') this.#ended()
    else if (event.event === 'attack') this.attacks.push(event.attack)
    else if (event.event === 'refused') this.#refusals.push(event)
    else if (event.event === 'heard') this.#heard.add(event.text)
    else if (event.event === 'counts') this.#counts.push(event.counts)
    this.#changed()
  }

  /** Waits until every attack has its refusal, or for 5 s. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, SETTLE_MS)
      this.#changed = () => {
        if (!this.attacks.every((attack) => this.judge(attack).refused)) return
        clearTimeout(timer)
        resolve()
      }
      this.#changed()
    })
  }

  judge(attack: AttackEvent): AttackReport {
    const { id, sender, code, at } = attack
    const found = this.#refusals.find(
      ({ role, refusal }) =>
        role === at &&
        refusal.code === code &&
        (id === undefined || refusal.id === id) &&
        (sender === undefined || refusal.sender === sender),
    )
    const arrived = attack.mustArrive === undefined || this.#heard.has(attack.mustArrive)
    const refused = found !== undefined && arrived && !attack.hadEffect
    return { ...attack, refused, refusal: found?.refusal ?? null }
  }

  counts(): Counts {
    const refused: Record<string, number> = {}
    let sent = 0
    let accepted = 0
    for (const counts of this.#counts) {
      sent += counts.sent
      accepted += counts.accepted
      for (const [code, count] of Object.entries(counts.refused)) {
        refused[code] = (refused[code] ?? 0) + count
      }
    }
    return { sent, accepted, refused }
  }
}
