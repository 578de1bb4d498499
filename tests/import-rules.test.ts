// The house of docs/design: imports point only down its lists. Read from the text, because TypeScript 7 has no stable
// programming interface yet.
import { globSync, readFileSync } from 'node:fs'
import { join, normalize, sep } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

/** What each package may import of the others. */
const PACKAGES: Record<string, string[]> = {
  methods: [],
  engine: ['methods'],
  client: [],
  regraft: ['methods', 'engine', 'client'],
}

/** The modules of packages/regraft/src: each may import those before it. */
const MODULES =
  'errors verdict operation config store lineage jobs models capture labels signals datasets training gates fleet compose serving watch advice interfaces'.split(
    ' ',
  )

/** Types that every module speaks; imported as types, from above too, and not through an index. */
const VOCABULARIES = ['store/types.ts', 'config/schema.ts']

interface Import {
  /** Path from the root of the repository. */
  from: string
  specifier: string
  typeOnly: boolean
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|import\('([^']+)'\)/gm

function importsOf(pattern: string): Import[] {
  return globSync(pattern, { cwd: ROOT }).flatMap((path) =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(IMPORT)].map(([, type, ...specifiers]) => {
      return {
        from: path.replaceAll(sep, '/'),
        specifier: specifiers.find(Boolean)!,
        typeOnly: type !== undefined,
      }
    }),
  )
}

/** Tests and what only they use may look into other modules. */
function isForTests(path: string): boolean {
  return /\.test\.ts$|\/fixtures\/|\/spec\/|\/testing\.ts$|\/step-fixture\.ts$/.test(path)
}

test('packages import only packages below them, by name', () => {
  const broken = importsOf('packages/*/src/**/*.ts').filter(({ from, specifier }) => {
    const [, own] = from.split('/') as [string, string]
    const named = /^@regraft\/(\w+)/.exec(specifier)?.[1]
    if (named) return !PACKAGES[own]!.includes(named) && !from.endsWith('.test.ts')
    return (
      specifier.startsWith('.') && !normalize(join(from, '..', specifier)).startsWith(join('packages', own))
    )
  })
  expect(broken).toEqual([])
})

test('modules of the control plane import only modules above them, through their index', () => {
  const imports = importsOf('packages/regraft/src/*/**/*.ts')
  // Guards against a pattern that finds nothing.
  expect(imports.length).toBeGreaterThan(300)
  const broken = imports.filter(({ from, specifier, typeOnly }) => {
    if (!specifier.startsWith('.') || isForTests(from)) return false
    const own = from.split('/')[3]!
    const target = normalize(join(from, '..', specifier))
      .replaceAll(sep, '/')
      .split('/src/')[1]
    if (target === undefined) return !/package\.json$|\/samples\//.test(specifier)
    const [other] = target.split('/') as [string]
    if (other === own || (typeOnly && VOCABULARIES.includes(target))) return false
    const isAbove = MODULES.includes(other) && MODULES.indexOf(other) < MODULES.indexOf(own)
    return !isAbove || target !== `${other}/index.ts`
  })
  expect(broken).toEqual([])
})

test('every module has its place in the order', () => {
  const folders = globSync('packages/regraft/src/*/', { cwd: ROOT }).map((path) => path.split(sep)[3]!)
  expect(folders.filter((name) => !name.endsWith('.ts') && !MODULES.includes(name))).toEqual([])
})
