// Options that several verbs of the gates take.
import { z } from 'zod'

export const AdapterChoice = z
  .string()
  .optional()
  .describe('digest of the adapter; else the one trained last')

export const SuiteChoice = z
  .string()
  .optional()
  .describe('sealed suite; else the one that the adapter was kept from')

export const LongestAnswer = z
  .int()
  .min(1)
  .max(4096)
  .optional()
  .describe('longest answer, in tokens; else that of the suite in regraft.yaml')
