// Measurements of models on sealed suites. Records are never migrated: what was measured before is brought to the present
// form when it is read.
import type { Form, ScorerSettings } from '../config/index.ts'
import type { ItemFacts } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { ProjectStore } from '../store/types.ts'
import type { Preference } from './suites/pairwise.ts'

/** How sure a model was of its answer: probabilities, rounded to four places, since what is beyond depends on the processor. */
export interface Confidence {
  /** Of the whole answer: the product over its tokens, the one that ends the turn left out; else the softmax over the choices. */
  whole: number
  /** Geometric mean over the tokens of a generated answer. */
  mean?: number
  /** Of the least probable token of a generated answer. */
  least?: number
}

/** One item as a model answered it; what is absent was not measured. Slices and cluster as in `ItemFacts`. */
export interface AnsweredItem extends ItemFacts {
  id: string
  answer: string
  confidence?: Confidence
  tokens?: { prompt: number; answer: number }
}

export interface MeasuredItem extends AnsweredItem {
  /** 0 to 1. */
  score: number
  /** Whether it counts as right: of a graded score, from a bound of the scorer on; of a comparison, when it is preferred. */
  correct: boolean
  compared?: ComparedAnswers
}

/** How a judge compared an answer with that of another model. */
export interface ComparedAnswers {
  /** Its word when the answer stood first, and when it stood second. */
  ahead: Preference
  behind: Preference
  /** Characters of the answer less those of the other one. */
  lengthDifference: number
}

/** The content of a measurement artifact of a suite: one answer per item, in the suite's order. */
export interface SuiteMeasurement {
  measures: 'suite-scores'
  suite: string
  base: string
  adapter: string | null
  /** The form of the adapter, where it is not the usual one: at run time, on weights as they are stored. */
  form?: Form
  scorer: ScorerSettings
  /** Null where nothing is generated. */
  maxTokens: number | null
  items: MeasuredItem[]
  /** The judge, where the scorer has one. */
  judge?: JudgedBy
  /** The model whose answers these were compared with; scores are then 1 (preferred), 0.5 (a tie) and 0. */
  against?: { base: string; adapter: string | null }
  /** Items of which the judge said nothing that can be read: they are not among the others. Absent for none. */
  unjudged?: string[]
}

/** Answers that are still to be judged. */
export interface SuiteAnswers
  extends Pick<SuiteMeasurement, 'suite' | 'base' | 'adapter' | 'form' | 'maxTokens'> {
  measures: 'suite-answers'
  items: AnsweredItem[]
}

/** Who judged, and the digest of all that it was told beside the texts. */
export interface JudgedBy {
  url: string
  model: string
  prompt: string
}

/** Measurements of schema version 1: label match only. */
interface FirstMeasurement {
  measures: 'suite-accuracy'
  suite: string
  base: string
  adapter: string | null
  maxTokens: number
  items: { id: string; answer: string; correct: boolean }[]
}

export type StoredMeasurement = SuiteMeasurement | FirstMeasurement

/**
 * A measurement as it is stored, in its present form. Throws 'invalid-input' for a measurement of something else.
 */
export function upcastMeasurement(stored: StoredMeasurement): SuiteMeasurement {
  if (stored.measures === 'suite-scores') return stored
  if (stored.measures === 'suite-accuracy') {
    return {
      ...stored,
      measures: 'suite-scores',
      scorer: { kind: 'label-match' },
      items: stored.items.map((item) => ({ ...item, score: item.correct ? 1 : 0 })),
    }
  }
  const { measures } = stored as { measures?: unknown }
  throw new RegraftError('invalid-input', `it measures ${String(measures)}, not scores on a suite`, {
    hint: 'regraft gates check --json lists measurements of suites in verdict.evidence',
  })
}

/** The measurement of a digest. */
export async function readMeasurement(
  { artifacts }: Pick<ProjectStore, 'artifacts'>,
  digest: string,
): Promise<SuiteMeasurement> {
  return upcastMeasurement(await artifacts.read<StoredMeasurement>(digest))
}

/**
 * The content of a measurement artifact of reference answers: how probable a model finds what should be said. A finer
 * yardstick than right and wrong (paired, item by item), measured only where it is asked for.
 */
export interface LikelihoodMeasurement {
  measures: 'suite-likelihood'
  suite: string
  base: string
  adapter: string | null
  /** Sum of natural-log probabilities over the tokens of the reference, the end of the turn included. */
  items: (ItemFacts & { id: string; logProbability: number; tokens: number })[]
}

/** The content of a measurement artifact of waiting times: each item asked alone, on one machine at one moment. */
export interface LatencyMeasurement {
  measures: 'suite-latency'
  suite: string
  base: string
  adapter: string | null
  maxTokens: number
  items: { id: string; seconds: number; tokens: { prompt: number; answer: number } }[]
}

/** The content of a measurement artifact of a form of an adapter: how far it is from the adapter at run time in 32-bit floats. */
export interface FormDistance {
  measures: 'form-distance'
  base: string
  adapter: string
  form: Form
  /** One for each probe: of the token that follows it. Six significant digits, since what is beyond depends on the processor. */
  probes: { largest: number; divergence: number; variation: number; sameFirst: boolean }[]
}
