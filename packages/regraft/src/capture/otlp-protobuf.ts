// The protobuf form of OTLP/HTTP: field numbers from opentelemetry-proto 1.x (trace/v1/trace.proto, common/v1/common.proto,
// collector/trace/v1/trace_service.proto, google/rpc/status.proto). Decoded, it is the JSON form: ids in hexadecimal
// digits, integers of 64 bits as texts. Fields that are not read here are skipped.
import protobuf from 'protobufjs/light.js'
import { RegraftError } from '../errors/index.ts'

type Fields = Record<string, [type: string, id: number, rule?: 'repeated']>

const message = (fields: Fields) => ({
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, [type, id, rule]]) => [name, { type, id, ...(rule ? { rule } : {}) }]),
  ),
})

const root = protobuf.Root.fromJSON({
  nested: {
    Request: message({ resourceSpans: ['ResourceSpans', 1, 'repeated'] }),
    ResourceSpans: message({ resource: ['Resource', 1], scopeSpans: ['ScopeSpans', 2, 'repeated'] }),
    Resource: message({ attributes: ['KeyValue', 1, 'repeated'] }),
    ScopeSpans: message({ spans: ['Span', 2, 'repeated'] }),
    Span: message({
      traceId: ['bytes', 1],
      spanId: ['bytes', 2],
      name: ['string', 5],
      startTimeUnixNano: ['fixed64', 7],
      endTimeUnixNano: ['fixed64', 8],
      attributes: ['KeyValue', 9, 'repeated'],
      events: ['Event', 11, 'repeated'],
    }),
    Event: message({
      timeUnixNano: ['fixed64', 1],
      name: ['string', 2],
      attributes: ['KeyValue', 3, 'repeated'],
    }),
    KeyValue: message({ key: ['string', 1], value: ['AnyValue', 2] }),
    AnyValue: message({
      stringValue: ['string', 1],
      boolValue: ['bool', 2],
      intValue: ['int64', 3],
      doubleValue: ['double', 4],
      arrayValue: ['ArrayValue', 5],
      kvlistValue: ['KeyValueList', 6],
      bytesValue: ['bytes', 7],
    }),
    ArrayValue: message({ values: ['AnyValue', 1, 'repeated'] }),
    KeyValueList: message({ values: ['KeyValue', 1, 'repeated'] }),
    Response: message({ partialSuccess: ['PartialSuccess', 1] }),
    PartialSuccess: message({ rejectedSpans: ['int64', 1], errorMessage: ['string', 2] }),
    Status: message({ code: ['int32', 1], message: ['string', 2] }),
  },
})
const [request, response, status] = ['Request', 'Response', 'Status'].map((name) => root.lookupType(name))

/** Decodes an ExportTraceServiceRequest into its JSON form. Throws 'invalid-input' for bytes that are none. */
export function decodeTraceRequest(bytes: Uint8Array): unknown {
  try {
    const value = request!.toObject(request!.decode(bytes), { longs: String, arrays: true })
    return withHexIds(value)
  } catch (cause) {
    const message = `the body is no ExportTraceServiceRequest in protobuf: ${(cause as Error).message}`
    throw new RegraftError('invalid-input', message, {
      hint: 'Send protobuf with application/x-protobuf and JSON with application/json.',
      cause,
    })
  }
}

/** Encodes an ExportTraceServiceResponse; without anything to say it is empty. */
export function encodeTraceResponse(
  partial: { rejectedSpans: number; errorMessage: string } | null,
): Uint8Array {
  return response!.encode(response!.fromObject(partial === null ? {} : { partialSuccess: partial })).finish()
}

/** Encodes a google.rpc.Status, the body of an error. */
export function encodeStatus(code: number, text: string): Uint8Array {
  return status!.encode(status!.fromObject({ code, message: text })).finish()
}

function withHexIds(value: { [key: string]: unknown }): unknown {
  for (const { scopeSpans } of value.resourceSpans as {
    scopeSpans: { spans: Record<string, unknown>[] }[]
  }[]) {
    for (const { spans } of scopeSpans) {
      for (const span of spans) {
        span.traceId = Buffer.from((span.traceId as Uint8Array | undefined) ?? []).toString('hex')
        span.spanId = Buffer.from((span.spanId as Uint8Array | undefined) ?? []).toString('hex')
      }
    }
  }
  return value
}
