import { expect, test } from 'vitest'
import { drawChart } from './chart.ts'

test('a falling line goes from the upper left to the lower right corner, between the labels of its ends', () => {
  const curve = { x: [1, 2, 3, 4], y: [4, 3, 2, 1] }
  expect(drawChart([curve], { width: 11, height: 2, label: 'updates' }).split('\n')).toEqual([
    '4 ┤⠉⠒⠤⣀⠀⠀⠀⠀',
    '1 ┤⠀⠀⠀⠀⠉⠒⠤⣀',
    '   1      4',
  ])
})

test('rates are drawn by their logarithm, with a mark, and holes are left out', () => {
  const curve = { x: [1e-6, 1e-4, 1e-2], y: [3, Number.NaN, 3] }
  const lines = drawChart([curve], { width: 13, height: 1, label: '', logarithmic: true, mark: 1e-4 }).split(
    '\n',
  )
  expect(lines[0]).toMatch(/^3 ┤/)
  expect(lines[1]).toMatch(/0\.000001 +0\.01$/)
  expect(drawChart([{ x: [], y: [] }], { width: 20, height: 3, label: '' })).toBe('no points to draw')
})
