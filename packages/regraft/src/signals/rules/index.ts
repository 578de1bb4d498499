import { abandon } from './abandon.ts'
import { accept } from './accept.ts'
import { comment } from './comment.ts'
import { copy } from './copy.ts'
import { correction } from './correction.ts'
import { edit } from './edit.ts'
import { label } from './label.ts'
import { regenerate } from './regenerate.ts'
import { rephrase } from './rephrase.ts'
import { smallEdit } from './small-edit.ts'
import { thumbsDown } from './thumbs-down.ts'
import { thumbsUp } from './thumbs-up.ts'
import { vote } from './vote.ts'

export type { Basis, Rule, RuleInput } from './define.ts'

/** Every rule of the signal compiler, the most trusted first. */
export const RULES = [
  label,
  correction,
  edit,
  smallEdit,
  accept,
  thumbsUp,
  vote,
  regenerate,
  copy,
  thumbsDown,
  rephrase,
  abandon,
  comment,
] as const

export type RuleName = (typeof RULES)[number]['name']
