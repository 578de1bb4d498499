import { z } from 'zod'
import type { ConfigFile } from './file.ts'
import type { ConfigOrigin } from './load.ts'
import { nearestWord } from './nearest.ts'
import { Config } from './schema.ts'
import { joinPath } from './substitute.ts'

/** One thing that is wrong with a configuration. */
export interface Problem {
  path: string
  line: number | null
  message: string
}

/** Turns zod's issues into problems with a place; an unknown key is named with the key it probably meant. */
export function collectProblems(
  issues: readonly z.core.$ZodIssue[],
  tree: unknown,
  file: ConfigFile | null,
  origins: ReadonlyMap<string, ConfigOrigin>,
): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      const valid = validKeys(issue.path, tree)
      return issue.keys.map((key) => ({
        path: [...issue.path, key].reduce<string>(joinPath, ''),
        line: file?.lineOf([...issue.path, key]) ?? null,
        message: unknownKey(key, valid),
      }))
    }
    const path = issue.path.reduce<string>(joinPath, '')
    const origin = origins.get(path)
    const outside = origin && origin.source !== 'file'
    return [
      {
        path,
        line: outside ? null : (file?.lineOf(issue.path) ?? null),
        message: `${describeIssue(issue, tree)}${outside ? ` (from ${origin.detail})` : ''}`,
      },
    ]
  })
}

/** One message for all problems, in the order of their lines. */
export function renderProblems(name: string, problems: Problem[]): string {
  const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  const lines = sorted.map(({ path, line, message }) => {
    const place = line === null ? '' : `line ${line}: `
    return `  ${place}${path === '' ? '' : `${path}: `}${message}`
  })
  return `${name} has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}\n${lines.join('\n')}`
}

function unknownKey(key: string, valid: readonly string[]): string {
  const nearest = nearestWord(key, valid)
  return nearest === null
    ? `unknown key; valid here: ${valid.join(', ')}`
    : `unknown key, did you mean '${nearest}'? Valid here: ${valid.join(', ')}`
}

function describeIssue(issue: z.core.$ZodIssue, tree: unknown): string {
  if (issue.code === 'invalid_type') {
    const value = issue.path.reduce<unknown>(
      (node, key) => (node as Record<PropertyKey, unknown> | undefined)?.[key],
      tree,
    )
    return value === undefined
      ? `missing, expected ${issue.expected}`
      : `expected ${issue.expected}, found ${z.core.util.parsedType(value)}`
  }
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
}

/** Keys that the schema allows at a path; where there are several kinds, those of the kind that the file has there. */
function validKeys(path: readonly PropertyKey[], tree: unknown): string[] {
  let schema: z.core.$ZodType = Config
  let value: unknown = tree
  for (const key of path) {
    const inside = chosen(schema, value)
    if (inside instanceof z.ZodObject) schema = inside.shape[String(key)]!
    else if (inside instanceof z.ZodRecord) schema = inside.valueType as z.core.$ZodType
    value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  }
  const inside = chosen(schema, value)
  return inside instanceof z.ZodObject ? Object.keys(inside.shape) : []
}

function chosen(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return chosen(schema.unwrap(), value)
  }
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema
  const { kind } = value as { kind?: unknown }
  const option = schema.options.find(
    (one) => one instanceof z.ZodObject && one.shape.kind?.safeParse(kind).success,
  )
  return option ?? schema
}
