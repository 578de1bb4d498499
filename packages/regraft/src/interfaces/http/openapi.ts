import { z } from 'zod'
import { JobView } from '../../jobs/index.ts'
import type { AnyOperation } from '../../operation/index.ts'
import { describeFields } from '../fields.ts'
import { CONFIRM_HEADER, hasGetRoute, operationPath } from './paths.ts'

type Json = Record<string, unknown>

const ErrorAnswer = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string(),
    hint: z.string().nullable(),
  }),
})
const Uploaded = z.object({ digest: z.string(), size: z.int() })

/** The OpenAPI 3.1 document of all operations and of the routes that they rest on. */
export function openApiDocument(operations: readonly AnyOperation[], version: string): Json {
  const schemas: Json = {}
  const addSchema = (name: string, schema: z.core.$ZodType, io: 'input' | 'output') => {
    hoist(name, z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json, schemas)
    return { $ref: `#/components/schemas/${name}` }
  }
  const job = addSchema('Job', JobView, 'output')
  const failure = { description: 'An error', content: json(addSchema('Error', ErrorAnswer, 'output')) }
  const uploaded = addSchema('UploadedBlob', Uploaded, 'output')

  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    const name = pascalCase(operation.name)
    const input = addSchema(`${name}Input`, operation.input, 'input')
    const output = addSchema(`${name}Output`, operation.output, 'output')
    const common = {
      summary: operation.summary,
      tags: [operation.name.split(' ')[0]],
      'x-regraft-effect': operation.effect,
      'x-regraft-mode': operation.mode,
      'x-regraft-scope': operation.scope,
      responses: { ...successOf(operation, output, job), default: failure },
    }
    const methods: Json = {
      post: {
        ...common,
        operationId: operation.name.replaceAll(' ', '.'),
        ...headersOf(operation),
        requestBody: {
          required: describeFields(operation.input).some((field) => field.required),
          content: json(input),
        },
      },
    }
    if (hasGetRoute(operation)) {
      methods.get = {
        ...common,
        operationId: `${operation.name.replaceAll(' ', '.')}.get`,
        parameters: queryParameters(operation),
      }
    }
    paths[operationPath(operation)] = methods
  }

  paths['/api/blobs'] = {
    post: {
      operationId: 'blobs.upload',
      summary: 'Upload a file; an operation takes the digest that is returned',
      tags: ['blobs'],
      requestBody: { required: true, content: BINARY },
      responses: { 201: { description: 'Stored', content: json(uploaded) }, default: failure },
    },
  }
  paths['/api/blobs/{digest}'] = {
    get: {
      operationId: 'blobs.download',
      summary: 'Download a file by its digest',
      tags: ['blobs'],
      parameters: [pathParameter('digest')],
      responses: { 200: { description: 'The bytes', content: BINARY }, default: failure },
    },
  }
  const jobPath = { tags: ['jobs'], parameters: [pathParameter('id')] }
  const jobAnswer = { 200: { description: 'The job', content: json(job) }, default: failure }
  paths['/api/jobs/{id}'] = {
    get: { ...jobPath, operationId: 'jobs.get', summary: 'A job', responses: jobAnswer },
  }
  paths['/api/jobs/{id}/cancel'] = {
    post: { ...jobPath, operationId: 'jobs.end', summary: 'Cancel a job', responses: jobAnswer },
  }
  paths['/api/jobs/{id}/events'] = {
    get: {
      ...jobPath,
      operationId: 'jobs.events',
      summary: 'Follow a job: events progress and warning, at last end; resumes after Last-Event-ID',
      responses: { 200: { description: 'Server-sent events', content: EVENT_STREAM }, default: failure },
    },
  }

  return {
    openapi: '3.1.0',
    info: { title: 'Regraft', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: { schemas, securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
    security: [{}, { apiKey: [] }],
  }
}

const BINARY = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
const EVENT_STREAM = { 'text/event-stream': { schema: { type: 'string' } } }
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'the same key gives the same job',
  schema: { type: 'string' },
}

const CONFIRMATION = {
  name: CONFIRM_HEADER,
  in: 'header',
  required: false,
  description: 'yes: do what cannot be undone; refused without it',
  schema: { type: 'string', enum: ['yes'] },
}

function headersOf({ mode, confirm }: AnyOperation): { parameters?: Json[] } {
  const parameters = [...(mode === 'job' ? [IDEMPOTENCY_KEY] : []), ...(confirm ? [CONFIRMATION] : [])]
  return parameters.length > 0 ? { parameters } : {}
}

function successOf(operation: AnyOperation, output: Json, job: Json): Json {
  if (operation.mode === 'stream') {
    return {
      200: { description: 'Server-sent events: progress, at last result or error', content: EVENT_STREAM },
    }
  }
  if (operation.mode === 'call') return { 200: { description: operation.summary, content: json(output) } }
  const started = { type: 'object', properties: { job }, required: ['job'] }
  return {
    202: {
      description: 'The job that does it; its result has the schema of x-regraft-result',
      content: json(started),
      'x-regraft-result': output,
    },
  }
}

function queryParameters(operation: AnyOperation): Json[] {
  const shape = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any', reused: 'inline' })
  return describeFields(operation.input).map((field) => ({
    name: field.name,
    in: 'query',
    required: field.required,
    ...(field.description ? { description: field.description } : {}),
    ...(field.kind === 'json' || field.kind === 'file'
      ? { content: json({ description: 'as JSON' }) }
      : { schema: shape.properties?.[field.name] ?? {} }),
  }))
}

/** Moves a schema and its own definitions into `schemas`; their references are rewritten. */
function hoist(name: string, schema: Json, schemas: Json): void {
  const { $schema: _, $defs, ...body } = schema
  const nameOf = (definition: string) =>
    definition.startsWith('__') ? `${name}.${definition.slice(2)}` : definition
  const rewrite = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(rewrite)
    if (node === null || typeof node !== 'object') return node
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) => {
        if (key !== '$ref' || typeof value !== 'string') return [key, rewrite(value)]
        const definition = value === '#' ? name : nameOf(value.replace('#/$defs/', ''))
        return [key, `#/components/schemas/${definition}`]
      }),
    )
  }
  for (const [definition, value] of Object.entries(($defs as Json | undefined) ?? {})) {
    schemas[nameOf(definition)] = rewrite(value)
  }
  // A schema with an id of its own is a lone reference to it.
  if (body.$ref !== `#/$defs/${name}`) schemas[name] = rewrite(body)
}

function json(schema: unknown): Json {
  return { 'application/json': { schema } }
}

function pathParameter(name: string): Json {
  return { name, in: 'path', required: true, schema: { type: 'string' } }
}

function pascalCase(name: string): string {
  return name.replace(/(^|[ -])([a-z])/g, (_, _separator, letter: string) => letter.toUpperCase())
}
