import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RULES } from './index.ts'

const HELPERS = ['define', 'edit-distance', 'index', 'replacement']

test('every file of a rule is listed under its name, and documented', () => {
  const files = globSync('*.ts', { cwd: import.meta.dirname }).map((name) => name.replace(/\.ts$/, ''))
  const names = RULES.map(({ name }) => name)
  expect(files.filter((name) => !name.endsWith('.test') && !HELPERS.includes(name)).sort()).toEqual(
    names.toSorted(),
  )
  const docs = readFileSync(join(import.meta.dirname, '../../../../../docs/signals.md'), 'utf8')
  expect(names.filter((name) => !docs.includes(`\`${name}\``))).toEqual([])
})
