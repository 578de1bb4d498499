import type { LossName, LossRecipe } from '@regraft/engine'
import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import type { ExampleKind } from '../signals/index.ts'

const LOSS_NAMES = ['sft', 'dpo', 'kto', 'orpo', 'simpo', 'distill'] as const satisfies LossName[]

/** What a loss learns from: a kind of snapshot. */
export const KIND_OF_LOSS: Record<LossName, ExampleKind> = {
  sft: 'demonstrations',
  distill: 'demonstrations',
  dpo: 'preferences',
  orpo: 'preferences',
  simpo: 'preferences',
  kto: 'desirability',
}

/** The options that losses have beside the common ones; each says whose it is. */
export const LossOptions = z.object({
  loss: z.enum(LOSS_NAMES).default('sft').describe('what is minimised'),
  beta: z
    .number()
    .positive()
    .optional()
    .describe('dpo, kto, orpo (else 0.1), simpo (else 2): strength of the preference'),
  variant: z
    .enum(['sigmoid', 'ipo', 'hinge', 'robust'])
    .optional()
    .describe('dpo: form of the loss; else sigmoid'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(0.5)
    .optional()
    .describe('dpo: share of pairs taken to be the wrong way round; else 0'),
  sftWeight: z
    .number()
    .min(0)
    .optional()
    .describe('dpo: weight of the likelihood of the chosen answers; distill: its share of the loss; else 0'),
  dpop: z
    .number()
    .min(0)
    .optional()
    .describe('dpo: weight of the penalty on chosen answers that become less likely; else 0'),
  gamma: z.number().min(0).optional().describe('simpo: margin that is asked for; else 1'),
  temperature: z
    .number()
    .positive()
    .optional()
    .describe("distill: both models' logits are divided by it; else 1"),
  desirableWeight: z.number().min(0).optional().describe('kto: weight of good answers; else 1'),
  undesirableWeight: z.number().min(0).optional().describe('kto: weight of bad answers; else 1'),
})

type Given = Omit<z.output<typeof LossOptions>, 'loss'>

/** Every option that a loss has, with its default †. */
const DEFAULTS: { [Name in LossName]: Omit<Extract<LossRecipe, { name: Name }>, 'name'> } = {
  sft: {},
  dpo: { beta: 0.1, variant: 'sigmoid', labelSmoothing: 0, sftWeight: 0, dpopWeight: 0 },
  kto: { beta: 0.1, desirableWeight: 1, undesirableWeight: 1 },
  orpo: { beta: 0.1 },
  simpo: { beta: 2, gamma: 1 },
  distill: { temperature: 1, sftWeight: 0 },
}

/** The loss of a recipe, with nothing left open. Throws 'invalid-input' naming an option that the loss does not have. */
export function resolveLoss(name: LossName, given: Given): LossRecipe {
  const { dpop, ...rest } = given
  const asked = Object.entries({ ...rest, dpopWeight: dpop }).filter(([, value]) => value !== undefined)
  const defaults: Record<string, unknown> = DEFAULTS[name]
  const foreign = asked.find(([option]) => !(option in defaults))?.[0]
  if (foreign !== undefined) {
    const param = foreign === 'dpopWeight' ? 'dpop' : foreign
    const owners = LOSS_NAMES.filter((loss) => foreign in DEFAULTS[loss])
    throw new RegraftError(
      'invalid-input',
      `${param} is no option of the loss '${name}', but of ${owners.join(', ')}`,
      {
        hint: `leave it out, or choose --loss ${owners[0]}`,
        details: { param },
      },
    )
  }
  return { name, ...defaults, ...Object.fromEntries(asked) } as LossRecipe
}

/** Preference losses move an adapter that is right already, and start from log-ratios of zero: they want small steps †. */
export function defaultLearningRate(loss: LossName): number {
  return loss === 'sft' || loss === 'distill' || loss === 'orpo' ? 1e-3 : 1e-4
}
