import { formatSignedCheckpoint, type SignedCheckpoint } from '@ixj/audit'
import { describe, expect, it } from 'vitest'
import type { FileAuditLog } from '../../packages/node/src/audit/audit-log.ts'
import { CHECKPOINT_MS, LOG_RETRY_MS } from '../../packages/node/src/audit/limits.ts'
import { LogBench, numbersOf } from '../world/log-bench.ts'
import { numbered } from '../world/numbered-log.ts'
import { seededRandom } from '../world/random.ts'
import { report } from './report.ts'
import { ROW_MS_MAX, scaled, SEED } from './scale.ts'

/** Power cuts of one disk, one after the other, so that what was repaired is cut again. */
const CUTS_PER_DISK = 10

/** A log that loses power again and again, and what it owes. */
class CutBench {
  readonly #random: () => number
  readonly #bench: LogBench
  readonly #acknowledged = new Set<number>()
  readonly #signed: SignedCheckpoint[] = []
  #number = 0
  lost = 0
  faults: string[] = []

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#bench = new LogBench(seed)
  }

  get acknowledged(): number {
    return this.#acknowledged.size
  }

  /** Opens, works until the power goes, and looks at what is left. */
  async cut(): Promise<void> {
    const { disk } = this.#bench
    disk.failAfter(1 + Math.floor(this.#random() * 60))
    const opened: { log?: FileAuditLog } = {}
    void this.#bench.open().then((log) => (opened.log = log))
    for (let steps = 0; disk.isOn && steps < 200; steps++) await this.#step(opened.log)
    this.#bench.restart()
    await this.#examine()
  }

  async #step(log: FileAuditLog | undefined): Promise<void> {
    const { disk, clock } = this.#bench
    const what = this.#random()
    if (log === undefined || what < 0.2) await new Promise<void>((done) => setImmediate(done))
    else if (what < 0.55) log.append(numbered(++this.#number))
    else if (what < 0.9) this.#appendSafely(log)
    else if (what < 0.94) await clock.advance(LOG_RETRY_MS)
    else if (what < 0.98) await clock.advance(CHECKPOINT_MS)
    else disk.trouble = this.#random() < 0.5 ? () => undefined : this.#trouble()
    const latest = log?.latest ?? null
    if (latest !== null && latest !== this.#signed.at(-1)) this.#signed.push(latest)
  }

  #appendSafely(log: FileAuditLog): void {
    const number = ++this.#number
    log.appendSafely(numbered(number)).then(
      () => void this.#acknowledged.add(number),
      () => 'refused: it is owed nothing',
    )
  }

  /** One operation in three fails, in one way. */
  #trouble(): () => 'io-error' | undefined {
    return () => (this.#random() < 0.3 ? 'io-error' : undefined)
  }

  async #examine(): Promise<void> {
    const log = await this.#bench.open()
    const numbers = numbersOf(this.#bench.records())
    const there = new Set(numbers)
    for (const number of this.#acknowledged) if (!there.has(number)) this.lost += 1
    const plain = numbers.filter((number) => typeof number === 'number')
    const rising = plain.every((number, index) => index === 0 || number > plain[index - 1]!)
    if (!rising) this.faults.push(`out of order or twice: ${numbers.join(' ')}`)
    // What was signed before the cut is still true after it.
    const seen = this.#signed.map((each) => formatSignedCheckpoint(each))
    const { faults } = await this.#bench.verify(seen)
    this.faults.push(...faults.map(({ message }) => message))
    await log[Symbol.asyncDispose]()
  }
}

describe('F3: power cuts', () => {
  it(
    'lose no record that was acknowledged, and nothing that was signed',
    async () => {
      const cuts = scaled(10_000)
      let lost = 0
      let acknowledged = 0
      const faults: string[] = []
      for (let done = 0, disk = 0; done < cuts; disk++) {
        const bench = new CutBench(SEED + disk)
        for (let each = 0; each < CUTS_PER_DISK && done < cuts; each++, done++) await bench.cut()
        lost += bench.lost
        acknowledged += bench.acknowledged
        faults.push(...bench.faults.map((fault) => `disk ${disk} (seed ${SEED + disk}): ${fault}`))
      }
      expect(faults).toEqual([])
      expect(acknowledged).toBeGreaterThan(cuts)
      const what = `records acknowledged before ${cuts.toLocaleString('en-US')} simulated power cuts`
      expect(
        report({
          id: 'F3',
          what: `${what} (unsynced sectors dropped or torn, failed syncs)`,
          count: lost,
          of: acknowledged,
          counted: 'lost',
          goal: 'none',
        }),
      ).toBe('met')
    },
    ROW_MS_MAX,
  )
})
