// Losses and their gradients are those of TRL 1.16.0: golden values of scripts/parity/trl_losses.py, which names the code
// that each case ran.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Graph } from '../../graph/graph.ts'
import { distillation } from '../../graph/operations.ts'
import { emptyTensor, floats, openSession, tensorOver } from '../../graph/session.ts'
import { Tape } from '../../graph/tape.ts'
import type { LossRecipe } from '../recipe.ts'
import { distill } from './distill.ts'
import { evaluateLoss, LOSSES } from './index.ts'
import type { PartName, ScoredExample } from './types.ts'

type GoldenPart = 'chosen' | 'rejected' | 'mismatched'

interface Golden {
  parts: Record<GoldenPart, { tokens: number[][]; reference: number[] }>
  labels: boolean[]
  cases: {
    recipe: LossRecipe
    source: string
    loss: number
    gradients: Partial<Record<GoldenPart, number[][]>>
  }[]
  distillation: {
    recipe: Extract<LossRecipe, { name: 'distill' }>
    student: number[][]
    teacher: number[][]
    targets: number[]
    loss: number
    gradient: number[][]
  }[]
}

const path = new URL('../../../../../bench/golden/trl-losses.json', import.meta.url)
const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden
const goldenPart = (part: PartName): GoldenPart => (part === 'completion' ? 'chosen' : part)

const examples: ScoredExample[] = golden.labels.map((desirable, i) => {
  const scored = (part: PartName) => {
    const { tokens, reference } = golden.parts[goldenPart(part)]
    return {
      logProbability: tokens[i]!.reduce((sum, value) => sum + value, 0),
      tokens: tokens[i]!.length,
      reference: reference[i]!,
      divergence: null,
    }
  }
  const [completion, chosen, rejected] = [scored('completion'), scored('chosen'), scored('rejected')]
  return { parts: { completion, chosen, rejected, mismatched: scored('mismatched') }, desirable }
})

test.each(golden.cases)('$recipe is that of $source', ({ recipe, loss, gradients }) => {
  const value = evaluateLoss(recipe, examples)
  expect(value.loss).toBeCloseTo(loss, 5)
  for (const part of LOSSES[recipe.name].parts) {
    const expected = gradients[goldenPart(part)]
    for (const [i, gradient] of value.gradients.entries()) {
      // Every token's log-probability has the gradient of the sum that it belongs to.
      for (const token of expected?.[i] ?? [0]) expect(gradient[part]).toBeCloseTo(token, 6)
    }
  }
})

test('every loss has a case', () => {
  const compared = [...golden.cases, ...golden.distillation].map(({ recipe }) => recipe.name)
  expect([...new Set(compared)].sort()).toEqual(Object.keys(LOSSES).sort())
})

test.each(golden.distillation)('$recipe is that of TRL, down to the logits', async (entry) => {
  const { recipe, student, teacher, targets } = entry
  const [rows, vocabulary] = [student.length, student[0]!.length]
  const graph = new Graph()
  const tape = new Tape(graph)
  const h = tape.require(graph.input('h', [rows, vocabulary]))
  const identity = graph.input('identity', [vocabulary, vocabulary])
  const { logProbabilities, divergences } = distillation(
    tape,
    h,
    { input: identity, value: () => identity },
    graph.input('targets', [rows], 'int64'),
    graph.input('teacher', [rows, vocabulary]),
    recipe.temperature,
  )
  graph.output(logProbabilities, 'logProbabilities')
  graph.output(divergences, 'divergences')
  const seeds = ['rowWeights', 'divergenceWeights'].map((name) => graph.input(name, [rows, 1]))
  const gradientOf = tape.backward([
    [logProbabilities, seeds[0]!],
    [divergences, seeds[1]!],
  ])
  graph.output(gradientOf(h), 'dh')
  const session = await openSession(graph, { threads: 1 })
  const part = (logProbability: number, divergence: number) => {
    const completion = { logProbability, tokens: 1, reference: null, divergence }
    return { parts: { completion }, desirable: null }
  }
  const { gradients, divergenceGradient } = distill(
    targets.map(() => part(0, 0)),
    recipe,
  )
  const column = (value: number) => tensorOver(new Float32Array(rows).fill(value), [rows, 1])
  const square = Float32Array.from({ length: vocabulary ** 2 }, (_, i) => (i % (vocabulary + 1) ? 0 : 1))
  const feeds = {
    h: tensorOver(Float32Array.from(student.flat()), [rows, vocabulary]),
    identity: tensorOver(square, [vocabulary, vocabulary]),
    targets: tensorOver(BigInt64Array.from(targets, BigInt), [rows]),
    teacher: tensorOver(Float32Array.from(teacher.flat()), [rows, vocabulary]),
    rowWeights: column(gradients[0]!.completion),
    divergenceWeights: column(divergenceGradient),
  }
  const fetches = {
    logProbabilities: emptyTensor([rows, 1]),
    divergences: emptyTensor([rows, 1]),
    dh: emptyTensor([rows, vocabulary]),
  }
  await session.run(feeds, fetches)
  const scored = targets.map((_, i) =>
    part(floats(fetches.logProbabilities)[i]!, floats(fetches.divergences)[i]!),
  )
  expect(distill(scored, recipe).loss).toBeCloseTo(entry.loss, 5)
  for (const [i, slope] of entry.gradient.flat().entries()) {
    expect(floats(fetches.dh)[i]).toBeCloseTo(slope, 5)
  }
  await session.release()
})
