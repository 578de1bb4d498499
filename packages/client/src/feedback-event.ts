/** Whether an answer was false, or right and not what the person wanted (tone, length, a refusal). */
export type Fault = 'wrong' | 'unwelcome'

/** What every event may say beside its signal. */
export interface Details {
  /** Who says so. */
  author?: string
  /** The end user, as your product knows them; Regraft keeps a keyed hash. */
  subject?: string
  /** When it happened; now without it. */
  occurredAt?: Date
  /** UUID of the event, if you keep one: sent twice, it is stored once. */
  id?: string
  /** Index of the answer that is meant, where the call made several; else the first. */
  candidate?: number
  /** Where the answer was shown, from 0. */
  position?: number
  /** Probability with which it was shown, or feedback on it asked for; above 0, at most 1. */
  propensity?: number
}

/** The answer that a vote compares with: another one by its id, or a candidate of the same call. */
export type Other = { inference: string } | { candidate: number }

/** What happened to an answer. `label` is a human's right answer, `correction` what an agent replaced the answer by. */
export type FeedbackEvent = Details &
  (
    | { type: 'correction' | 'edit' | 'label' | 'comment'; value: string }
    | { type: 'thumbs'; value: 1 | -1; fault?: Fault }
    | { type: 'accept' | 'copy' }
    | { type: 'abandon'; fault?: Fault }
    | { type: 'regenerate' | 'rephrase'; next?: string; fault?: Fault }
    | { type: 'vote'; value: 'win' | 'lose' | 'tie'; other: Other }
    | { type: 'judgement'; value: 'right' | Fault; signal?: string }
  )

/** What Regraft acknowledged: the event survives a crash of the server from here on. */
export interface FeedbackReceipt {
  id: string
  inferenceId: string
}
