import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kebabCase } from '../../operation/index.ts'
import { localCommands } from '../cli/commands/index.ts'
import { describeFields } from '../fields.ts'
import { openApiDocument } from '../http/openapi.ts'
import { hasGetRoute, operationPath } from '../http/paths.ts'
import { operations } from './index.ts'

const source = join(import.meta.dirname, '../..')

test('the names, effects and modes of all operations are as agreed', () => {
  expect(
    operations.map(({ name, effect, mode, scope }) => `${name}: ${effect} ${mode} ${scope}`),
  ).toMatchSnapshot()
})

test('every operation that a file defines is in the list', () => {
  const defined = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) =>
        path.endsWith('.ts') &&
        !path.endsWith('.test.ts') &&
        !path.startsWith('operation/') &&
        !path.includes('fixtures'),
    )
    .flatMap((path) => [
      ...readFileSync(join(source, path), 'utf8').matchAll(/defineOperation\(\{\s*name: '([^']+)'/g),
    ])
    .map((match) => match[1])
  expect(operations.map(({ name }) => name).sort()).toEqual(defined.sort())
})

test('names are unique, examples begin with the command, and no option collides with a global one', () => {
  const reserved = new Set(['config', 'data', 'project', 'url', 'json', 'help', 'version', 'detach'])
  const verbs = [...operations, ...localCommands]
  expect(new Set(verbs.map(({ name }) => name)).size).toBe(verbs.length)
  for (const { name, example, input, positionals, summary } of verbs) {
    expect(example).toMatch(new RegExp(`^regraft ${name}\\b`))
    expect(summary, name).not.toMatch(/\.$/)
    for (const field of describeFields(input)) {
      if (!positionals.includes(field.name))
        expect(reserved, `${name} --${field.name}`).not.toContain(kebabCase(field.name))
      expect(field.description, `${name} ${field.name} is described`).not.toBe('')
    }
  }
})

test('the OpenAPI document has every operation, and every reference in it resolves', () => {
  const document = openApiDocument(operations, '1.2.3') as {
    openapi: string
    paths: Record<string, Record<string, { operationId: string; responses: object }>>
    components: { schemas: Record<string, unknown> }
  }
  expect(document.openapi).toBe('3.1.0')
  for (const operation of operations) {
    const methods = document.paths[operationPath(operation)]
    expect(methods?.post, operation.name).toMatchObject({ summary: operation.summary })
    expect(methods && 'get' in methods).toBe(hasGetRoute(operation))
  }
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map((one) => one.operationId),
  )
  expect(new Set(ids).size).toBe(ids.length)

  const references: string[] = []
  JSON.stringify(document, (key, value) => {
    if (key === '$ref') references.push(value)
    return value
  })
  expect(references.length).toBeGreaterThan(operations.length)
  for (const reference of references) {
    const name = reference.replace('#/components/schemas/', '')
    expect(Object.keys(document.components.schemas), reference).toContain(name)
  }
  const placeholders = Object.keys(document.paths).flatMap((path) =>
    [...path.matchAll(/\{(\w+)\}/g)].map((one) => one[1]),
  )
  expect(placeholders).toEqual(['digest', 'id', 'id', 'id'])
})
