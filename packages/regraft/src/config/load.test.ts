// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of the file is what is tested here.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RegraftError } from '../errors/index.ts'
import { configJsonSchema, explainConfig, type LoadOptions, loadConfig } from './index.ts'

function folderWith(yaml?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'regraft-config-'))
  if (yaml !== undefined) writeFileSync(join(folder, 'regraft.yaml'), yaml)
  return folder
}

function failure(options: Partial<LoadOptions> & { folder: string }): RegraftError {
  try {
    loadConfig({ environment: {}, ...options })
  } catch (error) {
    if (error instanceof RegraftError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

test('without a file every value is the documented default, and paths are absolute', () => {
  const folder = folderWith()
  const { config, file } = loadConfig({ folder, environment: {} })
  expect(file).toBe(null)
  expect(config).toEqual({
    project: 'default',
    dataDirectory: join(folder, '.regraft'),
    server: { host: '127.0.0.1', port: 7878, maxWaiting: 64, requireKey: false },
    tasks: {},
    bases: {},
    upstreams: {},
    routes: {},
    capture: { fsync: 'always' },
    embedders: {},
    paraphrase: { embedder: 'built-in' },
    judges: {},
    suites: {},
    gates: {
      ...{ margin: 0.02, alpha: 0.05, gap: 0.05, sequential: false },
      requirements: [
        { require: 'superior', to: 'base', expected: 0.05 },
        { require: 'not-inferior', to: 'incumbent', critical: [] },
      ],
    },
    privacy: { pii: 'mask', names: [] },
    drills: { margin: 0.02, seeds: 3, adapters: {} },
    vault: { evaluations: 100, screens: 1000 },
    fleet: { ownerInactiveDays: 90, drillDays: 90, endOfLifeDays: 90, approvalDays: 14, rolloutDays: 14 },
    people: {},
    sources: {},
  })
})

test('upstreams keep their keys to themselves and share no model', () => {
  const folder = folderWith(
    [
      'upstreams:',
      '  one: { url: "https://one.example/v1", apiKey: sk-plainly-written, models: [a, b] }',
      '  two: { url: "https://user:secret@two.example/v1", models: [b], headers: { "api key": x } }',
    ].join('\n'),
  )
  expect(failure({ folder }).message).toMatch(/upstreams\.two\.url: keys belong into apiKey/)
  expect(failure({ folder }).message).toMatch(/upstreams\.two\.headers/)
  const shared = folderWith(
    'upstreams:\n  one: { url: "http://a/v1", models: [b] }\n  two: { url: "http://a/v1", models: [b] }\n',
  )
  expect(failure({ folder: shared }).message).toMatch(/line 3: .*b belongs to upstreams\.one already/)
  const right = folderWith(
    'upstreams:\n  one: { url: "https://a/v1", apiKey: sk-plain, models: [b], headers: { api-key: sk-header } }\n',
  )
  const explained = JSON.stringify(explainConfig(loadConfig({ folder: right, environment: {} })))
  expect(explained).toContain('upstreams.one.apiKey')
  expect(explained).not.toMatch(/sk-plain|sk-header/)
})

test('an option wins over the environment, the environment over the file, the file over the default', () => {
  const folder = folderWith(
    'project: from-file\nserver:\n  port: 1111\n  host: 10.0.0.1\ngates:\n  margin: 0.03\n',
  )
  const loaded = loadConfig({
    folder,
    environment: { REGRAFT_PORT: '2222', REGRAFT_HOST: '10.0.0.2' },
    overrides: [{ path: 'server.port', value: 3333, option: '--port' }],
  })
  expect(loaded.config.server).toEqual({ host: '10.0.0.2', port: 3333, maxWaiting: 64, requireKey: false })
  const explained = Object.fromEntries(
    explainConfig(loaded).map(({ path, source, detail }) => [path, [source, detail]]),
  )
  expect(explained).toMatchObject({
    project: ['file', `${join(folder, 'regraft.yaml')}:1`],
    'server.port': ['option', '--port'],
    'server.host': ['environment', 'REGRAFT_HOST'],
    'gates.margin': ['file', `${join(folder, 'regraft.yaml')}:6`],
    'gates.alpha': ['default', ''],
  })
})

test('the nearest file above the working folder counts, and its paths are relative to it', () => {
  const folder = folderWith('bases:\n  small: { path: models/small.gguf, endOfLife: 2027-01-31 }\n')
  const inner = join(folder, 'a', 'b')
  mkdirSync(inner, { recursive: true })
  const { config } = loadConfig({ folder: inner, environment: {} })
  expect(config.bases.small).toEqual({ path: join(folder, 'models/small.gguf'), endOfLife: '2027-01-31' })
  expect(config.dataDirectory).toBe(join(folder, '.regraft'))
  expect(loadConfig({ folder: inner, environment: { REGRAFT_DATA: 'own' } }).config.dataDirectory).toBe(
    join(inner, 'own'),
  )
})

test('one error lists every bad path with its line, and unknown keys with the key they probably meant', () => {
  const folder = folderWith(
    [
      'projct: x',
      'server:',
      '  prot: 1',
      '  port: "high"',
      'gates:',
      '  margin: 3',
      'tasks:',
      '  route:',
      '    sytem: hi',
    ].join('\n'),
  )
  const error = failure({ folder })
  expect(error.code).toBe('invalid-config')
  expect(error.message.split('\n').slice(1)).toEqual([
    "  line 1: projct: unknown key, did you mean 'project'? Valid here: project, dataDirectory, keysDirectory, databaseUrl, server, tasks, bases, upstreams, routes, capture, embedders, paraphrase, judges, suites, gates, privacy, drills, vault, fleet, people, sources, owners",
    "  line 3: server.prot: unknown key, did you mean 'port'? Valid here: host, port, maxWaiting, adapterDirectory, requireKey",
    '  line 4: server.port: expected number, found string',
    '  line 6: gates.margin: too big: expected number to be <=1',
    expect.stringMatching(
      /^ {2}line 9: tasks\.route\.sytem: unknown key, did you mean 'system'\? Valid here: system, /,
    ),
  ])
})

test('a secret comes from the environment and is never shown', () => {
  const folder = folderWith(
    'databaseUrl: postgres://me:${PASSWORD}@db/regraft\ntasks:\n  t: { system: "cost $${X}" }\n',
  )
  const loaded = loadConfig({ folder, environment: { PASSWORD: 'hush' } })
  expect(loaded.config.databaseUrl).toBe('postgres://me:hush@db/regraft')
  expect(loaded.config.tasks.t?.system).toBe('cost ${X}')
  expect(JSON.stringify(explainConfig(loaded))).not.toContain('hush')

  const fromVariable = loadConfig({
    folder: folderWith(),
    environment: { DATABASE_URL: 'postgres://me:hush@db/x' },
  })
  expect(JSON.stringify(explainConfig(fromVariable))).not.toContain('hush')
})

test('an unset variable, a bad variable and broken YAML are problems with a place', () => {
  const unset = failure({ folder: folderWith('project: a\ndatabaseUrl: ${NOT_SET}\n') })
  expect(unset.message).toContain('line 2: databaseUrl: the environment variable NOT_SET is not set')
  const bad = failure({ folder: folderWith(), environment: { REGRAFT_PORT: 'abc' } })
  expect(bad.message).toContain('server.port: expected number, found string (from REGRAFT_PORT)')
  const broken = failure({ folder: folderWith('server: {port: 1\nproject: x\n') })
  expect(broken.message).toMatch(/has \d problem/)
  expect(broken.message).toContain('line ')
  expect(failure({ folder: folderWith(), file: 'absent.yaml' }).hint).toContain('regraft init')
  expect(failure({ folder: folderWith('- a\n- b\n') }).message).toContain('expected object, found array')
})

test('the published JSON Schema names every key and requires none', () => {
  const schema = configJsonSchema()
  expect(Object.keys(schema.properties as object)).toContain('gates')
  expect(schema.required).toBeUndefined()
  expect(schema.additionalProperties).toBe(false)
})

test('an embedder is a folder or an endpoint, and its folder lies relative to the file', () => {
  const folder = folderWith(
    'embedders:\n  minilm: { path: models/minilm }\n  hosted: { url: https://api.example.com/v1, model: small }\n',
  )
  const { config } = loadConfig({ folder, environment: {} })
  expect(config.embedders.minilm).toEqual({ path: join(folder, 'models/minilm'), batch: 64 })
  const broken = folderWith('embedders:\n  a: { pooling: mean }\n  b: { url: https://api.example.com/v1 }\n')
  const { message } = failure({ folder: broken })
  expect(message).toContain('expected either path (a folder) or url (an endpoint)')
  expect(message).toContain('embedders.b.model')
})

test('a suite has one scorer with its own options, a judge that is named exists, and its key is not shown', () => {
  const folder = folderWith(
    [
      'judges:',
      '  strict: { url: "http://a/v1", model: m, apiKey: sk-plain }',
      'suites:',
      '  one: { scorer: { kind: regex, patern: x, pattern: "(" } }',
      '  two: { scorer: { kind: exact } }',
    ].join('\n'),
  )
  const { message } = failure({ folder })
  expect(message).toMatch(/line 4: suites\.one\.scorer\.patern: unknown key, did you mean 'pattern'\?/)
  expect(message).toMatch(/line 4: suites\.one\.scorer\.pattern: is no regular expression/)
  expect(message).toMatch(/line 5: suites\.two\.scorer\.kind: .*label-match/)
  const judged = (judge: string) =>
    folderWith(
      [
        'judges:',
        '  strict: { url: "http://a/v1", model: m, apiKey: sk-plain }',
        'suites:',
        `  desk: { scorer: { kind: judge, judge: ${judge}, rubric: be right } }`,
      ].join('\n'),
    )
  expect(failure({ folder: judged('kind') }).message).toMatch(
    /line 4: suites\.desk\.scorer\.judge: there is no judge 'kind'; judges: strict/,
  )
  const loaded = loadConfig({ folder: judged('strict'), environment: {} })
  expect(loaded.config.suites.desk).toEqual({
    scorer: {
      ...{ kind: 'judge', judge: 'strict', rubric: 'be right' },
      ...{ lowest: 1, highest: 5, correctFrom: 0.75 },
    },
    maxTokens: 24,
  })
  expect(JSON.stringify(explainConfig(loaded))).not.toContain('sk-plain')
})
