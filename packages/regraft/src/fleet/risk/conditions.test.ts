import { expect, test } from 'vitest'
import { Config } from '../../config/index.ts'
import { assessRisk, compareDanger, type Risk } from './conditions.ts'
import type { RiskFacts } from './facts.ts'

const DAY = 86_400_000
const NOW = new Date('2026-11-27T12:00:00Z')
const at = (days: number) => new Date(NOW.getTime() + days * DAY)
const person = (name: string, lastActive: Date | null = NOW, left: Date | null = null) => ({
  name,
  lastActive,
  left,
})

const SOUND: RiskFacts = {
  ...{ name: 'desk', version: 1, registeredAt: at(-200), missing: [], lostInputs: [], retention: [] },
  base: {
    ...{ kind: 'local', artifact: 'b', name: 'pico', revision: null, precision: 'f32' },
    digests: { weights: 'w', tokenizer: 't', chatTemplate: 'c' },
  },
  owner: person('ada'),
  deputy: person('grace'),
  rows: { rows: 10, missing: 0, changed: 0, withoutKey: 0 },
  lastDrill: { at: at(-1), outcome: 'pass', finding: 'REPRODUCED' },
  ...{ endOfLife: null, migrationSeconds: null, fingerprint: null },
}

function assess(changes: Partial<RiskFacts>, days: object = {}): Risk {
  return assessRisk({ ...SOUND, ...changes }, { days: Config.parse({ fleet: days }).fleet, now: NOW })
}
const redOf = (changes: Partial<RiskFacts>, days: object = {}) =>
  assess(changes, days).conditions.flatMap(({ red, condition }) => (red ? condition : []))
const ending = (days: number) => ({ endOfLife: { date: at(days), from: 'regraft.yaml', gone: false } })
const expiring = (days: number) => ({ retention: [{ source: 'serving', rows: 3, expires: at(days) }] })

test('a sound adapter has every condition and none of them red', () => {
  const { conditions, red, daysToUnrebuildable } = assess({})
  expect({ red, daysToUnrebuildable }).toEqual({ red: 0, daysToUnrebuildable: null })
  expect(conditions.map(({ condition }) => condition)).toEqual([
    ...['record', 'owner', 'deputy', 'rows', 'inputs', 'retention', 'drill', 'end-of-life'],
  ])
})

test('each fault turns its own condition red and no other, on the day it is said to', () => {
  const faults: [string, Partial<RiskFacts>, Partial<RiskFacts>][] = [
    ['owner', { owner: person('ada', at(-91)) }, { owner: person('ada', at(-90)) }],
    ['owner', { owner: person('ada', NOW, at(0)) }, { owner: person('ada', NOW, at(1)) }],
    ['owner', { owner: person('ada', null) }, { owner: person('ada', null), registeredAt: at(-90) }],
    ['owner', { owner: null }, { deputy: null }],
    ['record', { missing: [{ entry: 'a licence', fix: '' }] }, {}],
    ['rows', { rows: null }, {}],
    ['rows', { rows: { ...SOUND.rows!, missing: 1 } }, { rows: { ...SOUND.rows!, rows: 9 } }],
    ['rows', { rows: { ...SOUND.rows!, changed: 1 } }, {}],
    ['rows', { rows: { ...SOUND.rows!, withoutKey: 1 } }, {}],
    ['inputs', { lostInputs: ['the recipe is gone'] }, {}],
    // The last drill was yesterday, so that the next one is due in 89 days.
    ['retention', expiring(88), expiring(89)],
    ['retention', expiring(-3), {}],
    [
      'drill',
      { lastDrill: { ...SOUND.lastDrill!, at: at(-91) } },
      { lastDrill: { ...SOUND.lastDrill!, at: at(-90) } },
    ],
    ['drill', { lastDrill: null, registeredAt: at(-91) }, { lastDrill: null, registeredAt: at(-90) }],
    [
      'drill',
      { lastDrill: { ...SOUND.lastDrill!, outcome: 'fail' } },
      { lastDrill: { ...SOUND.lastDrill!, outcome: 'cannot-tell' } },
    ],
    ['end-of-life', ending(89), ending(90)],
    [
      'end-of-life',
      { endOfLife: { date: null, from: 'cloud', gone: true } },
      { endOfLife: { date: null, from: 'cloud', gone: false } },
    ],
    [
      'fingerprint',
      { fingerprint: { outcome: 'fail', reason: '' } },
      { fingerprint: { outcome: 'cannot-tell', reason: '' } },
    ],
  ]
  for (const [condition, fault, sound] of faults) {
    expect(redOf(fault), JSON.stringify(fault)).toEqual([condition])
    expect(redOf(sound), JSON.stringify(sound)).toEqual([])
    for (const { red, fix } of assess(fault).conditions) if (red) expect(fix).not.toBe('')
  }
})

test('a base must last as long as moving takes: max(90, 2 × (drill + approval + rollout)) days', () => {
  const slow = { migrationSeconds: 30 * 86_400 }
  expect(redOf({ ...ending(115), ...slow })).toEqual(['end-of-life'])
  expect(redOf({ ...ending(116), ...slow })).toEqual([])
  expect(redOf(ending(95), { approvalDays: 40, rolloutDays: 8 })).toEqual(['end-of-life'])
  expect(redOf(ending(45), { endOfLifeDays: 40, approvalDays: 10, rolloutDays: 10 })).toEqual([])
  const [first] = assess({ ...ending(43), ...slow }).conditions
  expect(first!.reason).toMatch(
    /offered until 2027-01-09, 43 days from now, and moving takes 116 days: .*90† .*30\.0/,
  )
})

test('days to unrebuildable are the fewest that any condition leaves, and danger orders by red ones first', () => {
  const left = (changes: Partial<RiskFacts>) => assess(changes).daysToUnrebuildable
  expect(left({ ...expiring(300), ...ending(200) })).toBe(200)
  expect(left({ ...expiring(30), ...ending(200) })).toBe(30)
  expect(left({ ...ending(200), rows: null })).toBe(0)
  expect(left(ending(-5))).toBe(0)
  expect(left({ owner: null })).toBeNull()
  const members = [
    { name: 'sound', ...assess({}) },
    { name: 'later', ...assess(ending(80)) },
    { name: 'owner', ...assess({ owner: null }) },
    { name: 'sooner', ...assess(ending(8)) },
    { name: 'both', ...assess({ ...ending(80), owner: null }) },
  ]
  expect(members.sort(compareDanger).map(({ name }) => name)).toEqual([
    'both',
    'sooner',
    'later',
    'owner',
    'sound',
  ])
})

test('the deputy is told about beside an absent owner, and thresholds are those of the configuration', () => {
  const gone = assess({
    owner: person('ada', NOW, at(-2)),
    deputy: person('grace', at(-300)),
    registeredAt: at(-300),
  })
  expect(gone.conditions[0]!.reason).toMatch(
    /the owner ada left on 2026-11-25; .*the deputy grace for 300 days/,
  )
  expect(redOf({ owner: person('ada', at(-31)) }, { ownerInactiveDays: 30 })).toEqual(['owner'])
  expect(redOf({ lastDrill: { ...SOUND.lastDrill!, at: at(-8) } }, { drillDays: 7 })).toEqual(['drill'])
})
