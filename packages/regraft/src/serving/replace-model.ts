import { RegraftError } from '../errors/index.ts'

/** A text, a bracket, or a separator of JSON (RFC 8259); numbers and words between them do not matter here. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/gs

/**
 * Puts another model into the JSON text of a request and leaves every other byte as it is: parsing and writing it again
 * would change numbers beyond 2^53, and the spelling of others. The text must be a valid JSON object with a member
 * `model` that is a text; every member of that name is replaced.
 */
export function replaceModel(json: string, model: string): string {
  let depth = 0
  let key: string | null = null
  let isValue = false
  let replaced = ''
  let copied = 0
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (depth !== 1) continue
    else if (token === ':') isValue = true
    else if (token === ',') isValue = false
    else if (!isValue) key = JSON.parse(token)
    else if (key === 'model') {
      replaced += json.slice(copied, index) + JSON.stringify(model)
      copied = index + token.length
    }
  }
  if (copied === 0)
    throw new RegraftError('invalid-input', 'the request names no model', { details: { param: 'model' } })
  return replaced + json.slice(copied)
}
