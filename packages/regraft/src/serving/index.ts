export { openAIProtocol } from './openai-protocol.ts'
