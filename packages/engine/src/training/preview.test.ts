import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openBase } from '../formats/index.ts'
import { writePicoBase } from '../formats/pico-base.ts'
import { previewExamples } from './preview.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-preview-'))
writePicoBase(folder)
const base = openBase(folder)
afterAll(() => {
  base.close()
  rmSync(folder, { recursive: true })
})

const messages = [{ role: 'user', content: 'where is the cärd' }]
const prompt = '<|im_start|>user\nwhere is the cärd<|im_end|>\n<|im_start|>assistant\n'

function texts(part: { tokens: { text: string; learned: boolean }[] } | undefined) {
  const of = (learned: boolean) => part!.tokens.filter((token) => token.learned === learned)
  return [of(false), of(true)].map((tokens) => tokens.map(({ text }) => text).join(''))
}

test('a preview shows the whole conversation, and learned is the answer with the end of its turn', () => {
  const [example] = previewExamples(base, [{ messages, completion: 'thére ☃' }], {
    loss: { name: 'sft' },
    maxLength: 128,
    seed: 1,
  })
  expect(example).toMatchObject({ index: 0, dropped: false })
  expect(texts(example!.parts[0])).toEqual([prompt, 'thére ☃<|im_end|>'])
})

test('both answers of a pair are shown; the mismatched answer of a rated one is not learned', () => {
  const pair = { messages, chosen: 'there', rejected: 'error' }
  const simpo = { name: 'simpo', beta: 2, gamma: 1 } as const
  const [shown] = previewExamples(base, [pair], { loss: simpo, maxLength: 20, seed: 1 })
  expect(shown!.dropped).toBe(true)
  expect(shown!.parts.map((part) => [part.name, texts(part)[1]])).toEqual([
    ['chosen', 'there<|im_end|>'],
    ['rejected', 'error<|im_end|>'],
  ])
  const kto = { name: 'kto', beta: 0.1, desirableWeight: 1, undesirableWeight: 1 } as const
  const rated = ['there', 'error'].map((completion) => ({ messages, completion, label: true }))
  const [first] = previewExamples(base, rated, { loss: kto, maxLength: 128, seed: 1 })
  expect(texts(first!.parts[1])).toEqual([`${prompt}error<|im_end|>`, ''])
})
