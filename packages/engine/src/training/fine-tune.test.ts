import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openBase, readAdapter, writeAdapter } from '../formats/index.ts'
import { writePicoBase } from '../formats/pico-base.ts'
import type { Adapter } from '../formats/types.ts'
import { fineTune, type TrainingEvent } from './fine-tune.ts'
import { picoRecipe } from './pico-recipe.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-fine-tune-'))
writePicoBase(join(folder, 'base'))
const base = openBase(join(folder, 'base'))
afterAll(() => {
  base.close()
  rmSync(folder, { recursive: true })
})

const recipe = picoRecipe()

const examples = Array.from({ length: 18 }, (_, i) => ({
  messages: [{ role: 'user', content: i % 2 ? `card ${i}` : `error ${i}` }],
  completion: i % 2 ? 'bank' : 'shop',
}))

interface Run {
  events: TrainingEvent[]
  adapter: Adapter | null
  error: unknown
}

/** Trains; stops by abort once the given update has been seen. */
async function train(
  checkpoint: string,
  options: { stopAt?: number; identity?: string; availableBytes?: number } = {},
): Promise<Run> {
  const events: TrainingEvent[] = []
  const stop = new AbortController()
  try {
    const { adapter } = await fineTune({
      base,
      recipe,
      examples,
      validation: examples.slice(0, 4),
      identity: options.identity ?? 'one',
      checkpointPath: join(folder, checkpoint),
      checkpointSeconds: 0,
      availableBytes: options.availableBytes ?? 0,
      signal: stop.signal,
      onEvent(event) {
        events.push(event)
        if (event.event === 'checkpoint' && event.update === options.stopAt) stop.abort()
      },
    })
    return { events, adapter, error: null }
  } catch (error) {
    return { events, adapter: null, error }
  }
}

function bytesOf(adapter: Adapter | null, name: string): Buffer {
  writeAdapter(join(folder, name), adapter!)
  return readFileSync(join(folder, name, 'adapter_model.safetensors'))
}

function lossesOf(run: Run): number[] {
  return run.events.flatMap((event) => (event.event === 'update' ? [event.loss] : []))
}

test('a run that was stopped and resumed gives the bits of one that was not', async () => {
  const whole = await train('whole')
  expect(whole.error).toBeNull()
  const stopped = await train('cut', { stopAt: 7 })
  expect(stopped.error).toMatchObject({ code: 'cancelled' })
  const resumed = await train('cut')
  expect(resumed.events.find(({ event }) => event === 'resumed')).toMatchObject({ update: 7, updates: 15 })
  expect([...lossesOf(stopped), ...lossesOf(resumed)]).toEqual(lossesOf(whole))
  expect(bytesOf(resumed.adapter, 'resumed').equals(bytesOf(whole.adapter, 'whole-adapter'))).toBe(true)
})

test('a run in one graph gives the bits of one layer by layer, and either resumes the other', async () => {
  const layered = await train('by-layers')
  const stopped = await train('in-one', { stopAt: 6, availableBytes: 1e12 })
  expect(stopped.events[0]).toMatchObject({ memory: { execution: 'whole' } })
  expect(layered.events[0]).toMatchObject({ memory: { execution: 'layered' } })
  const resumed = await train('in-one')
  expect([...lossesOf(stopped), ...lossesOf(resumed)]).toEqual(lossesOf(layered))
  const whole = await train('whole-graph', { availableBytes: 1e12 })
  for (const [name, run] of Object.entries({ resumed, whole })) {
    expect(bytesOf(run.adapter, `one-${name}`).equals(bytesOf(layered.adapter, 'layered'))).toBe(true)
  }
})

test('training learns its examples, and the adapter survives its file', async () => {
  const run = await train('learn')
  const losses = lossesOf(run)
  expect(losses.at(-1)!).toBeLessThan(losses[0]! - 1)
  const validation = run.events.flatMap((event) => (event.event === 'validation' ? [event.loss] : []))
  expect(validation).toHaveLength(3)
  expect(validation[2]!).toBeLessThan(validation[0]!)
  bytesOf(run.adapter, 'kept')
  const read = readAdapter(join(folder, 'kept'))
  for (const [name, module] of run.adapter!.modules) {
    expect(read.modules.get(name)!.b).toEqual(module.b)
    expect(read.modules.get(name)!.scale).toBe(2)
  }
})

test('a checkpoint of another run is refused, a damaged one too', async () => {
  await train('other', { stopAt: 3 })
  expect((await train('other', { identity: 'two' })).error).toMatchObject({ code: 'incompatible' })
  writeFileSync(join(folder, 'damaged'), readFileSync(join(folder, 'other')).subarray(0, 500))
  expect((await train('damaged')).error).toMatchObject({ code: 'invalid-file' })
})

test('an example that does not fit is left out and named', async () => {
  const long = { messages: [{ role: 'user', content: 'x'.repeat(200) }], completion: 'bank' }
  const events: TrainingEvent[] = []
  await fineTune({
    base,
    recipe: { ...recipe, epochs: 1 },
    examples: [...examples.slice(0, 3), long],
    validation: [],
    identity: 'long',
    checkpointPath: join(folder, 'long'),
    checkpointSeconds: 60,
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
  })
  expect(events[0]).toMatchObject({ event: 'prepared', examples: 3, dropped: [{ index: 3 }] })
})
