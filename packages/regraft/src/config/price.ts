import { z } from 'zod'

const perMillion = z.number().nonnegative()

export const Price = z
  .strictObject({
    prompt: perMillion.describe('price of a million prompt tokens'),
    cachedPrompt: perMillion.optional().describe('of those that the upstream had cached; else as the others'),
    completion: perMillion.describe('price of a million tokens of the answer'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'expected three capital letters')
      .default('USD')
      .describe('as in ISO 4217'),
  })
  .describe('what tokens of a model cost')
