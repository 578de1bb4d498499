import type { DescribedToken, StreamedToken } from '@regraft/engine'

/** Tokens with their log-probabilities in OpenAI's shape. */
export function logProbabilitiesObject(tokens: readonly StreamedToken[]) {
  return {
    content: tokens.map(({ alternatives, ...token }) => ({
      ...tokenObject(token),
      top_logprobs: alternatives.map(tokenObject),
    })),
    refusal: null,
  }
}

function tokenObject({ text, bytes, logProbability }: DescribedToken) {
  return { token: text, logprob: logProbability, bytes }
}
