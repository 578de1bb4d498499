import { zstdCompressSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { expect, test } from 'vitest'
import type { StoredFile } from '../store/types.ts'
import { openParquet } from './parquet-records.ts'

type Written = Parameters<typeof parquetWriteBuffer>[0]

function fileOf(bytes: Uint8Array): StoredFile {
  return {
    size: bytes.byteLength,
    chunks: async function* () {
      yield bytes
    },
    slice: async (start, end) => bytes.subarray(start, end),
  }
}

const written = (options: Written) => new Uint8Array(parquetWriteBuffer(options))

async function records(bytes: Uint8Array) {
  const { columns, records } = await openParquet(fileOf(bytes))
  const rows = []
  for await (const record of records()) rows.push(record)
  return { columns, rows }
}

test('rows come in their order over row groups, numbered from 1, with what JSON can say', async () => {
  const bytes = written({
    columnData: [
      { name: 'text', data: ['a', 'ü', null, 'd', 'e'], type: 'STRING' },
      { name: 'n', data: [1n, 2n, 3n, 2n ** 60n, null], type: 'INT64' },
      { name: 'at', data: Array(5).fill(new Date('2025-05-01T10:00:00Z')), type: 'TIMESTAMP' },
    ],
    rowGroupSize: 2,
    codec: 'ZSTD',
    compressors: { ZSTD: (input) => zstdCompressSync(input) },
  })
  const at = '2025-05-01T10:00:00.000Z'
  expect(await records(bytes)).toEqual({
    columns: ['text', 'n', 'at'],
    rows: [
      { number: 1, value: { text: 'a', n: 1, at } },
      { number: 2, value: { text: 'ü', n: 2, at } },
      { number: 3, value: { n: 3, at } },
      { number: 4, value: { text: 'd', n: String(2n ** 60n), at } },
      { number: 5, value: { text: 'e', at } },
    ],
  })
})

/**
 * Written by pyarrow: pq.write_table(pa.table({'messages': [[{'role': 'user', 'content': 'Where is my card?'}, {'role':
 * 'assistant', 'content': 'card_arrival'}], [{'role': 'user', 'content': 'naïve 😀'}]], 'user': ['ada', None]}),
 * compression=…), with the dictionary encodings that pyarrow chooses.
 */
const PYARROW: Record<string, string> = {
  snappy:
    'UEFSMRUEFSoVLkwVBBUAEgAAFVAEAAAAdXNlcgkAAABhc3Npc3RhbnQVABUeFSIsFQYVEBUGFQYcAAAADzgCAAAAAwICAAAA' +
    'BgQBAwIVBBVoFWpMFQYVABIAADRgEQAAAFdoZXJlIGlzIG15IGNhcmQ/DAAAAAEJWF9hcnJpdmFsCwAAAG5hw692ZSDwn5iA' +
    'FQAVIBUkLBUGFRAVBhUGHAAAABA8AgAAAAMCAgAAAAYEAgMkABUEFQ4VEkwVAhUAEgAABxgDAAAAYWRhFQAVEhUWLBUEFRAV' +
    'BhUGHAAAAAkgAgAAAAMBAQIAFQQZfDUAGAZzY2hlbWEVBAA1AhgIbWVzc2FnZXMVAhUGTDwAAAA1BBgEbGlzdBUCADUCGAdl' +
    'bGVtZW50FQQAFQwlAhgEcm9sZSUATBwAAAAVDCUCGAdjb250ZW50JQBMHAAAABUMJQIYBHVzZXIlAEwcAAAAFgQZHBk8JgAc' +
    'FQwZNQAGEBlICG1lc3NhZ2VzBGxpc3QHZWxlbWVudARyb2xlFQIWBhaKARaSASZSJggpLBUEFQAVAgAVABUQFQIAPBYiGSYE' +
    'AhlWAAAAAAYAAAAmABwVDBk1AAYQGUgIbWVzc2FnZXMEbGlzdAdlbGVtZW50B2NvbnRlbnQVAhYGFsoBFtABJqACJpoBKSwV' +
    'BBUAFQIAFQAVEBUCADwWUBkmBAIZVgAAAAAGAAAAJgAcFQwZNQAGEBkYBHVzZXIVAhYEFmIWaiaYAybqAiksFQQVABUCABUA' +
    'FRAVAgA8FgYZBhkmAgIAAAAWtgMWBCYIFswDACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZPBwAABwAABwA' +
    'AACgAQAAUEFSMQ==',
  zstd:
    'UEFSMRUEFSoVPEwVBBUAEgAAKLUv/SAVqQAABAAAAHVzZXIJAAAAYXNzaXN0YW50FQAVHhUwLBUGFRAVBhUGHAAAACi1L/0g' +
    'D3kAAAIAAAADAgIAAAAGBAEDAhUEFWgVekwVBhUAEgAAKLUv/SA0oQEAEQAAAFdoZXJlIGlzIG15IGNhcmQ/DAAAAGNhcmRf' +
    'YXJyaXZhbAsAAABuYcOvdmUg8J+YgBUAFSAVMiwVBhUQFQYVBhwAAAAotS/9IBCBAAACAAAAAwICAAAABgQCAyQAFQQVDhUg' +
    'TBUCFQASAAAotS/9IAc5AAADAAAAYWRhFQAVEhUkLBUEFRAVBhUGHAAAACi1L/0gCUkAAAIAAAADAQECABUEGXw1ABgGc2No' +
    'ZW1hFQQANQIYCG1lc3NhZ2VzFQIVBkw8AAAANQQYBGxpc3QVAgA1AhgHZWxlbWVudBUEABUMJQIYBHJvbGUlAEwcAAAAFQwl' +
    'AhgHY29udGVudCUATBwAAAAVDCUCGAR1c2VyJQBMHAAAABYEGRwZPCYAHBUMGTUABhAZSAhtZXNzYWdlcwRsaXN0B2VsZW1l' +
    'bnQEcm9sZRUMFgYWigEWrgEmYCYIKSwVBBUAFQIAFQAVEBUCADwWIhkmBAIZVgAAAAAGAAAAJgAcFQwZNQAGEBlICG1lc3Nh' +
    'Z2VzBGxpc3QHZWxlbWVudAdjb250ZW50FQwWBhbKARbuASbMAia2ASksFQQVABUCABUAFRAVAgA8FlAZJgQCGVYAAAAABgAA' +
    'ACYAHBUMGTUABhAZGAR1c2VyFQwWBBZiFoYBJuADJqQDKSwVBBUAFQIAFQAVEBUCADwWBhkGGSYCAgAAABa2AxYEJggWogQA' +
    'KCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRk8HAAAHAAAHAAAAKEBAABQQVIx',
}

test.each(Object.keys(PYARROW))(
  'a list of messages that pyarrow has written with %s is read',
  async (name) => {
    expect(await records(Buffer.from(PYARROW[name]!, 'base64'))).toEqual({
      columns: ['messages', 'user'],
      rows: [
        {
          number: 1,
          value: {
            messages: [
              { role: 'user', content: 'Where is my card?' },
              { role: 'assistant', content: 'card_arrival' },
            ],
            user: 'ada',
          },
        },
        { number: 2, value: { messages: [{ role: 'user', content: 'naïve 😀' }] } },
      ],
    })
  },
)

test('a text that is not UTF-8 rejects its row and no other', async () => {
  const data = [Buffer.from('a'), Buffer.from([0xff, 0xfe]), Buffer.from('c')]
  const schema: Written['schema'] = [
    { name: 'root', num_children: 1 },
    { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  ]
  const { rows } = await records(written({ columnData: [{ name: 'text', data }], schema }))
  expect(rows).toEqual([
    { number: 1, value: { text: 'a' } },
    { number: 2, reason: 'is not valid UTF-8' },
    { number: 3, value: { text: 'c' } },
  ])
})

test('a damaged file, none at all and a compression that cannot be read are refused', async () => {
  const bytes = written({ columnData: [{ name: 'text', data: ['a', 'b'], type: 'STRING' }] })
  for (const bad of [bytes.subarray(0, 40), Buffer.from('PAR1'), new Uint8Array()]) {
    await expect(records(bad)).rejects.toMatchObject({ code: 'invalid-file' })
  }
  const lz4 = written({
    columnData: [{ name: 'text', data: ['a', 'b'], type: 'STRING' }],
    codec: 'LZ4_RAW',
    compressors: { LZ4_RAW: (input) => input },
  })
  await expect(records(lz4)).rejects.toThrow('compressed with LZ4_RAW, which cannot be read')
})
