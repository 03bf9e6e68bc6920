import { z } from 'zod'

/** What a setting is, for help, and whether it is told to anybody. */
export interface SettingNotes {
  /** What stands in the place of its value. */
  readonly value: string
  readonly description: string
  /** Never printed and never logged. */
  readonly secret?: true
  /** May be given several times. */
  readonly repeatable?: true
}

const notes = z.registry<SettingNotes>()

/** A field with its notes. */
export function described<Field extends z.ZodType>(field: Field, about: SettingNotes): Field {
  notes.add(field, about)
  return field
}

/** Settings that stand together under one key. */
export function group<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, { error: 'must be a group of settings' })
}

/** The notes of a field; undefined for one that has none. */
export function notesOf(field: z.ZodType): SettingNotes | undefined {
  return notes.get(field)
}
