import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ROLES,
  ZONE_ROLES,
  type AttackEvent,
  type Counts,
  type DemoEvent,
  type JobResult,
  type RefusalEvent,
  type Role,
} from './events.ts'
import { countPlainly, sameTable, type LicenceTable } from './licence-table.ts'
import { startRole, type RoleProcess } from './processes.ts'
import { CommandError } from '../command-error.ts'
import { findPackages } from './packages.ts'
import { progressLine } from './progress-line.ts'
import { revokeStolen } from './revoke-stolen.ts'
import { setUpMesh } from './setup.ts'
import { anchorFile } from './zones.ts'

/** An attack and what became of it. */
export interface AttackReport extends AttackEvent {
  readonly refused: boolean
  /** Whether what must arrive did; true if nothing must. */
  readonly arrived: boolean
  /** How the refusing node explains it. */
  readonly refusal: RefusalEvent | null
}

/** A zone that was served, for who wants to look into it. */
export interface ZoneReport {
  readonly zone: string
  readonly server: string
  readonly anchors: string
}

/** What the main job came to. */
export interface LicencesReport extends JobResult {
  readonly root: string
  readonly plain: LicenceTable
  readonly agrees: boolean
  readonly attacks: readonly AttackReport[]
  readonly counts: Counts
  /** The organisations' name servers, and the files of their zones' anchors. */
  readonly zones: readonly ZoneReport[]
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
  /** Called with the report while the name servers still run; they end when it resolves. */
  stay?(report: LicencesReport): Promise<void>
  /** Hears of every process that was started. */
  started?(process: RoleProcess): void
  readonly signal?: AbortSignal
}

/** How long the job and the attacks may take; a machine under load needs seconds. */
const JOB_MS = 120_000

/**
 * Sets two organisations up in a folder of its own, starts their processes, has them do the job,
 * attacks the mesh, and holds the result against a plain count.
 */
export async function runLicences(options: LicencesOptions): Promise<LicencesReport> {
  await checkRoot(options.root)
  const mesh = await mkdtemp(join(tmpdir(), 'ixj-licences-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(mesh, { recursive: true, force: true }))
  await setUpMesh(mesh)
  const run = new Run()
  const timeout = AbortSignal.timeout(JOB_MS)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
  signal.addEventListener(
    'abort',
    () => {
      const reason = `it was not done in ${JOB_MS / 1_000} s; the last that was heard: ${run.last}`
      run.fail(new CommandError('failed', `Cannot finish the job: ${reason}`))
    },
    { once: true },
  )
  const processes: RoleProcess[] = []
  // All at once: none waits for another to end.
  cleanUp.defer(async () => {
    await Promise.all(processes.map((each) => each[Symbol.asyncDispose]()))
  })
  const roles = options.attacks ? ROLES : ROLES.filter((each) => each !== 'mallory')
  for (const role of [...ZONE_ROLES, ...roles]) {
    const child = startRole(role, {
      mesh,
      root: options.root,
      program: options.program,
      hear: (event) => {
        run.hear(event)
        options.hear?.(event)
        // As a person would who hears of it, with the planner's key.
        if (event.event === 'stolen')
          void revokeStolen(mesh, event).catch((cause) => run.fail(cause))
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
  const nodes = processes.filter(({ role }) => !isZoneRole(role))
  await Promise.all(nodes.map((each) => each[Symbol.asyncDispose]()))
  const told = report({ options, run, result, plain, mesh, processes: processes.length })
  await options.stay?.(told)
  return told
}

/** @throws CommandError `file`, `absent` for a folder in which there is nothing to count */
async function checkRoot(root: string): Promise<void> {
  const refuse = (reason: string, options?: ErrorOptions) => {
    const message = `Cannot count the licences of ${root}: ${reason}; give a node_modules folder`
    return new CommandError('absent', message, options)
  }
  try {
    if ((await findPackages(root)).length > 0) return
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw code === 'ENOENT' ? refuse('there is no such folder', { cause }) : cause
  }
  throw refuse('there are no packages in it')
}

function report(of: {
  readonly options: LicencesOptions
  readonly run: Run
  readonly result: JobResult
  readonly plain: LicenceTable
  readonly mesh: string
  readonly processes: number
}): LicencesReport {
  const { options, run, result, plain, mesh, processes } = of
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
    zones: run.zones.map(({ role, zone, server }) => ({
      zone,
      server,
      anchors: anchorFile(mesh, role),
    })),
    processes,
    succeeded: agrees && attacks.length === made && attacks.every((attack) => attack.refused),
  }
}

type ServingEvent = Extract<DemoEvent, { readonly event: 'serving' }>

function isZoneRole(role: string): boolean {
  return ZONE_ROLES.some((zone) => zone === role)
}

/** Attacks that a whole run makes. */
const ATTACKS = 13
/** How long the explanation of an attack may take to come. */
const SETTLE_MS = 5_000

/** What the processes have told so far. */
class Run {
  readonly result: Promise<JobResult>
  readonly attacked: Promise<void>
  readonly attacks: AttackEvent[] = []
  readonly zones: ServingEvent[] = []
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

  /** The last thing that a person was told. */
  last = 'nothing'

  hear(event: DemoEvent): void {
    this.last = progressLine(event) ?? this.last
    if (event.event === 'done') this.#done(event.result)
    else if (event.event === 'attacked') this.#ended()
    else if (event.event === 'attack') this.attacks.push(event.attack)
    else if (event.event === 'serving') this.zones.push(event)
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
    const arrived = attack.mustArrive === undefined || this.#heard.has(attack.mustArrive.text)
    const refused = found !== undefined && arrived && !attack.hadEffect
    return { ...attack, refused, arrived, refusal: found?.refusal ?? null }
  }

  counts(): Counts {
    const refused: Record<string, number> = {}
    let sent = 0
    let accepted = 0
    const direct = { accepted: 0, resent: 0, lost: 0 }
    const tasks = { sent: 0, acknowledged: 0 }
    for (const counts of this.#counts) {
      direct.accepted += counts.direct.accepted
      direct.resent += counts.direct.resent
      direct.lost += counts.direct.lost
      tasks.sent += counts.tasks.sent
      tasks.acknowledged += counts.tasks.acknowledged
      sent += counts.sent
      accepted += counts.accepted
      for (const [code, count] of Object.entries(counts.refused)) {
        refused[code] = (refused[code] ?? 0) + count
      }
    }
    return { sent, accepted, refused, direct, tasks }
  }
}
