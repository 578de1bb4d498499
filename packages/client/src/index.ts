export { RegraftClientError } from './error.ts'
export { type FeedbackEvent, type FeedbackReceipt, Regraft, type RegraftOptions } from './regraft.ts'
