import {
  DnsError,
  readSoa,
  TYPE,
  unproven,
  validate,
  type Asked,
  type Bogus,
  type DnsRecord,
  type Resolution,
  type Validation,
  type ValidationContext,
  type ValidationStep,
} from '../proof.ts'
import { Questioner, TooManyQuestions, type QuestionerOptions } from './questioner.ts'
import { RecordBag } from './record-bag.ts'
import type { ZoneKeys } from './zone-keys.ts'

/** What one lookup works with. */
export interface LookupOptions extends QuestionerOptions {
  readonly context: ValidationContext
  readonly zoneKeys: ZoneKeys
}

/**
 * Asks for a name and type, and for whatever validation needs beside it, until there is an outcome.
 * Keys that were kept are used at first; where the outcome is bogus with them, they may be the old
 * ones of a zone that has new ones, so they are dropped and all is asked once more.
 */
export async function lookUp(asked: Asked, options: LookupOptions): Promise<Resolution> {
  const { zoneKeys, context } = options
  const bag = new RecordBag()
  const kept = zoneKeys.above(asked.name, context.now)
  bag.add(kept)
  const outcome = await lookUpOnce(asked, bag, options)
  if (outcome.state !== 'bogus' || kept.length === 0) return outcome
  zoneKeys.forget(asked.name)
  return await lookUpOnce(asked, new RecordBag(), options)
}

async function lookUpOnce(
  asked: Asked,
  bag: RecordBag,
  options: LookupOptions,
): Promise<Resolution> {
  await using questioner = new Questioner(options)
  const put = new Set<string>()
  let steps: readonly ValidationStep[] = []
  try {
    for (let needs: readonly Asked[] = [asked]; ;) {
      // oxlint-disable no-await-in-loop -- What is asked next depends on what came.
      await askAll(needs, { questioner, bag, put })
      if (bag.isFull) return bogus('budget', 'The answers have too many records', steps)
      const validation = withNegativeTtl(await validate(asked, bag.records(), options.context), bag)
      // oxlint-enable no-await-in-loop
      steps = validation.steps
      if (validation.state !== 'incomplete') return validation
      needs = validation.needs.filter((need) => !put.has(keyOf(need)))
      if (needs.length === 0) return unproven(validation)
    }
  } catch (cause) {
    if (cause instanceof TooManyQuestions) return bogus('budget', cause.message, steps)
    if (cause instanceof DnsError && cause.code === 'unreachable') {
      return { state: 'unreachable', message: cause.message, steps }
    }
    throw cause
  }
}

/** Asks several questions at once; all have ended when it resolves or rejects. */
async function askAll(
  needs: readonly Asked[],
  parts: {
    readonly questioner: Questioner
    readonly bag: RecordBag
    readonly put: Set<string>
  },
): Promise<void> {
  const { questioner, bag, put } = parts
  for (const need of needs) put.add(keyOf(need))
  const answers = await Promise.allSettled(needs.map((need) => questioner.ask(need)))
  for (const [index, answer] of answers.entries()) {
    if (answer.status === 'rejected') throw answer.reason
    bag.add(answer.value, needs[index])
  }
}

function keyOf({ name, type }: Asked): string {
  return `${name} ${type}`
}

/**
 * RFC 2308 section 5: absence may be kept for the lesser of the SOA's TTL and its last field. The
 * SOA need not be signed here: it can only make the time shorter.
 */
function withNegativeTtl(validation: Validation, bag: RecordBag): Validation {
  if (validation.state !== 'secure' || validation.answer === 'positive') return validation
  const seconds = bag
    .records()
    .filter(({ name, type }) => type === TYPE.SOA && name === validation.zone)
    .map(negativeSeconds)
  return { ...validation, ttlSeconds: Math.min(validation.ttlSeconds, ...seconds) }
}

function negativeSeconds({ ttl, data }: DnsRecord): number {
  try {
    return Math.min(ttl, readSoa(data).minimum)
  } catch (cause) {
    if (cause instanceof DnsError) return 0
    throw cause
  }
}

function bogus(reason: Bogus['reason'], message: string, steps: readonly ValidationStep[]): Bogus {
  return { state: 'bogus', reason, message, steps }
}
