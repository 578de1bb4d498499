import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Config } from '../../config/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import { writeNanoAdapter } from '../fixtures/peft-folder.ts'
import { auditOperation } from './audit.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-audit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const adapterFolder = (name: string, size = 0.1, baseName = 'regraft-nano') =>
  writeNanoAdapter(join(folder, name), { size, baseName })

function file(name: string, lines: unknown[]): string {
  const path = join(folder, name)
  writeFileSync(
    path,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  )
  return path
}

async function audit(input: Record<string, unknown>, principal = 'local') {
  // No store: whatever would open one fails.
  const context = {
    config: { ...Config.parse({}), dataDirectory: join(folder, 'no-data') },
    principal: { id: principal, scopes: ['admin'] },
    signal: new AbortController().signal,
    progress() {},
  } as unknown as OperationContext
  const output = await auditOperation.run(context, auditOperation.input.parse(input))
  const part = (title: string) => output.verdict.parts!.find((one) => one.title === title)!
  const text = auditOperation.render!(output, { colour: false, width: 100 })
  return { ...output, part, text }
}

const late = 'why has my transfer to the new account not arrived after three long working days'
const asked = (content: string, answer: string, more: object = {}) => ({
  messages: [
    { role: 'user', content },
    { role: 'assistant', content: answer },
  ],
  ...more,
})

test('an audit finds what was planted: leaks by their lines, personal data, feedback, times, and the days left', async () => {
  const peft = adapterFolder('planted')
  writeFileSync(
    join(peft, 'trainer_state.json'),
    JSON.stringify({
      global_step: 120,
      max_steps: 300,
      epoch: 2.5,
      log_history: [{ loss: 1.5 }, { eval_loss: 1 }],
    }),
  )
  writeFileSync(join(peft, 'training_args.bin'), Buffer.from('cos\nsystem\n(S"touch owned"\ntR.'))
  writeFileSync(join(peft, 'README.md'), '---\nlicense: mit\ntags: [a, b]\n---\n# A card\n')
  const clean = Array.from({ length: 40 }, (_, i) =>
    asked(`question number ${i} about thing ${i * 7}`, `answer ${i}`, { model: i % 4 ? 'old' : 'new' }),
  )
  const rows = [
    ...clean,
    asked('Where is my CARD?', 'On its way.', {
      ...{ model: 'new', created: '2026-01-05T10:00:00Z' },
      feedback: [{ type: 'label', value: 'card_arrival' }],
    }),
    asked(`Please tell me ${late}, and soon`, 'It is late. Write to ada@example.org for more.', {
      ...{ model: 'old', created: '2026-02-07T10:00:00Z' },
    }),
  ]
  const logs = file('logs.jsonl', rows)
  const items = file('eval.jsonl', [
    { text: 'where is my card', label: 'card_arrival' },
    { text: late, label: 'late' },
    { text: 'an item that nobody has asked about', label: 'other' },
  ])
  const soon = new Date(Date.now() + 43.5 * 24 * 3600 * 1000).toISOString().slice(0, 10)
  const eol = file('eol.yaml', [`regraft-nano: ${soon}`, 'other: 2031-01-01'])
  const { facts, part, verdict, steps, text } = await audit({ folder: peft, logs, eval: items, eol })

  expect(part('adapter')).toMatchObject({
    outcome: 'cannot-tell',
    reason: expect.stringContaining('no tokenizer'),
  })
  expect(part('base')).toMatchObject({ outcome: 'pass' })
  expect(facts.base).toMatchObject({ here: 'regraft-nano', licence: 'apache-2.0', declared: 'regraft-nano' })
  expect(part('time left')).toMatchObject({
    outcome: 'fail',
    reason: expect.stringMatching(/^4[34] days until/),
  })
  expect(part('leaks')).toMatchObject({ outcome: 'fail', n: 42 })
  expect(facts.leaks).toMatchObject([
    {
      overlapping: 2,
      itemsTouched: 2,
      listed: [
        { line: 41, item: 1 },
        { line: 42, item: 2 },
      ],
    },
  ])
  expect(part('human gold')).toMatchObject({ outcome: 'cannot-tell', n: 4, needed: 247 })
  expect(part('rebuild')).toMatchObject({ outcome: 'fail', finding: 'IMPOSSIBLE' })
  expect(verdict.outcome).toBe('fail')
  expect(facts.logs).toMatchObject({
    ...{ rows: 42, distinctPrompts: 42, answered: 42, gold: 1, timed: 2, models: { old: 31, new: 11 } },
    ...{ from: '2026-01-05T10:00:00.000Z', to: '2026-02-07T10:00:00.000Z', feedback: { label: 1 } },
    personal: { rows: 1, found: { email: 1 } },
  })
  expect(facts.state).toMatchObject({
    trainer: { step: 120, maxSteps: 300, epoch: 2.5, lastLoss: 1.5 },
    pickles: [{ name: 'training_args.bin' }],
    card: { license: 'mit', tags: ['a', 'b'] },
  })
  const commands = steps.map(({ command }) => command)
  expect(commands).toContain(`regraft datasets screen ${logs} --against ${items} --out clean.jsonl`)
  expect(text).toContain('line 41 repeats the item of line 1: equal')
  expect(text).toContain('pickles, not opened: training_args.bin')
  expect(text.indexOf('what to do first')).toBeGreaterThan(text.indexOf('FAIL  audit'))
  expect(readdirSync(folder)).not.toContain('no-data')
})

test('rows without leaks and enough gold pass', async () => {
  const rows = Array.from({ length: 300 }, (_, i) => `question ${i} on topic ${i * 13},label ${i % 7}`)
  const items = Array.from({ length: 250 }, (_, i) => `item ${i * 3} says other words ${i},label ${i % 7}`)
  const { part, facts } = await audit({
    folder: adapterFolder('clean'),
    rows: file('rows.csv', ['text,label', ...rows]),
    eval: file('items.csv', ['text,label', ...items]),
    eol: file('eol.csv', ['name,date', 'regraft-nano,2099-12-31']),
  })
  expect(part('leaks')).toMatchObject({ outcome: 'pass', n: 300 })
  expect(part('human gold')).toMatchObject({ outcome: 'pass', n: 250 })
  expect(part('time left').outcome).toBe('pass')
  expect(facts.rows?.columns).toEqual({ text: 'text', label: 'label', time: null })
})

test.each<[string, (path: string) => void, RegExp, RegExp]>([
  [
    'zero B',
    () => adapterFolder('bad', 0),
    /weights: untrained: B is zero/,
    /look for weights that were trained/,
  ],
  [
    'a file that was cut off',
    (path) => truncateSync(join(path, 'adapter_model.safetensors'), 900),
    /format: .*not a valid safetensors file/,
    /look for weights that can be read: another copy of it/,
  ],
  [
    'a header that claims gigabytes',
    (path) => writeFileSync(join(path, 'adapter_model.safetensors'), Buffer.alloc(64, 0x7f)),
    /its header claims \d+ bytes/,
    /look for weights that can be read/,
  ],
  [
    'a pickle only',
    (path) => {
      rmSync(join(path, 'adapter_model.safetensors'))
      writeFileSync(join(path, 'adapter_model.bin'), 'cos\nsystem\n')
    },
    /pickled adapter_model\.bin/,
    /weights_only=True/,
  ],
])('%s is reported, and what to do about it', async (_, damage, reason, step) => {
  const path = adapterFolder('bad')
  damage(path)
  const { part, steps, facts } = await audit({ folder: path })
  expect(part('adapter')).toMatchObject({ outcome: 'fail', reason: expect.stringMatching(reason) })
  expect(steps.map(({ what, command }) => `${what} ${command}`).join('\n')).toMatch(step)
  expect(facts.adapter.inspection.config.r).toBe(2)
  rmSync(path, { recursive: true })
})

test('a base that is not here is named, never taken for another one of its shapes', async () => {
  const { part, steps, facts } = await audit({ folder: adapterFolder('lost', 0.1, 'org/nano-instruct') })
  expect(part('base')).toMatchObject({
    outcome: 'fail',
    reason: expect.stringContaining('org/nano-instruct'),
  })
  // Less is known than of one whose base is here: its verdict is no better.
  expect(part('adapter')).toMatchObject({
    outcome: 'cannot-tell',
    reason: expect.stringMatching(/compared with nothing/),
  })
  expect(facts.base).toMatchObject({
    here: null,
    candidates: [{ name: 'regraft-nano', named: false, fits: true }],
  })
  expect(steps[0]!.command).toContain('--base regraft-nano')
  const said = await audit({ folder: join(folder, 'lost'), base: 'regraft-nano' })
  expect(said.part('base').outcome).toBe('pass')
  expect(said.part('adapter').reason).toMatch(
    /says it was trained on org\/nano-instruct; whether regraft-nano is that/,
  )
})

test('what is no adapter, or not for this caller, is refused with what would help', async () => {
  mkdirSync(join(folder, 'run'), { recursive: true })
  adapterFolder('run/checkpoint-5')
  await expect(audit({ folder: join(folder, 'run') })).rejects.toMatchObject({
    code: 'not-found',
    hint: expect.stringContaining('checkpoint-5'),
  })
  await expect(audit({ folder: join(folder, 'nowhere') })).rejects.toThrow(/nowhere is not there/)
  await expect(audit({ folder }, 'open')).rejects.toMatchObject({ code: 'forbidden' })
  const peft = join(folder, 'run/checkpoint-5')
  writeFileSync(join(peft, 'adapter_config.json'), '[1]')
  await expect(audit({ folder: peft })).rejects.toMatchObject({ code: 'invalid-file' })
  const eol = file('bad.yaml', ['regraft-nano: next spring'])
  await expect(audit({ folder: adapterFolder('dated'), eol })).rejects.toThrow(
    /"next spring", which is no date/,
  )
  const logs = file('broken.jsonl', [asked('a', 'b'), '{"messages": [', asked('c', 'd')])
  await expect(audit({ folder: join(folder, 'dated'), logs })).rejects.toThrow(/^Line 2/)
  const fields = file('fields.jsonl', [{ body: 'a' }])
  await expect(audit({ folder: join(folder, 'dated'), logs: fields })).rejects.toThrow(
    /which field of fields.jsonl/,
  )
})

test('names of a config are only ever names', async () => {
  const path = adapterFolder('named', 0.1, '../../../../etc/passwd')
  writeFileSync(join(path, 'README.md'), `---\na: &a [x, x]\n${'b: &b [*a, *a, *a, *a]\n'.repeat(1)}---\n`)
  const before = readFileSync(join(path, 'adapter_config.json'), 'utf8')
  const { facts, steps } = await audit({ folder: path })
  expect(facts.base).toMatchObject({ declared: '../../../../etc/passwd', here: null })
  expect(steps.some(({ command }) => command?.includes('models pull'))).toBe(false)
  expect(readFileSync(join(path, 'adapter_config.json'), 'utf8')).toBe(before)
})
