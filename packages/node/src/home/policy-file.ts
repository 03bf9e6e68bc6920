import { join } from 'node:path'
import { compilePolicy } from '../policy/compiled-policy.ts'
import { DEFAULT_POLICY } from '../policy/default-policy.ts'
import { createFile, isThere, replaceFile } from './file.ts'
import { HomeError } from './home-error.ts'

/** The policy file of a home. */
const POLICY_FILE = 'policy.cedar'

/** Writes the default policy unless a home has one, and tells where it lies. @throws HomeError `file` */
export async function writeDefaultPolicy(folder: string): Promise<string> {
  const path = join(folder, POLICY_FILE)
  if (await isThere(path)) return path
  try {
    await createFile(path, DEFAULT_POLICY)
  } catch (cause) {
    // Another process was first; its text is the same, or its owner's.
    if (!(cause instanceof HomeError) || cause.code !== 'exists') throw cause
  }
  return path
}

/** Replaces the policy of a home, if the text can be used. @throws PolicyError; HomeError `file` */
export async function writePolicyText(folder: string, text: string): Promise<void> {
  const compiled = await compilePolicy(text, POLICY_FILE)
  compiled[Symbol.dispose]()
  await replaceFile(join(folder, POLICY_FILE), text)
}
