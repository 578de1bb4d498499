export { Config } from './schema.ts'
