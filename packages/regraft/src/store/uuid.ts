const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether Postgres reads the text as a UUID. What is none names nothing, so look-ups answer "not there". */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}
