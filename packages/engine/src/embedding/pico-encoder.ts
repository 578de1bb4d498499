/** A sentence encoder small enough for tests: a real ONNX graph of eight dimensions with a WordPiece tokenizer. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Graph } from '../graph/graph.ts'

const DIMENSION = 8
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]']
const WORDS = 'where is my card the parcel late not come arrived yet refund money please wo ist meine karte a'

export interface PicoEncoderOptions {
  /** Words of the vocabulary. */
  words?: string
  /** Replaces files by name; null leaves one out. */
  files?: Record<string, unknown>
  /** Path of the ONNX file in the folder. Default model.onnx. */
  model?: string
}

/**
 * The graph: h = tanh(e + mean of e over the tokens that the mask lets through), e the row of a fixed table. A batch's
 * padding would show in h if the mask were wrong.
 */
export function picoEncoderGraph(vocabulary: number): Uint8Array {
  let state = 7
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  const graph = new Graph()
  const tokens = [-1, -1]
  const ids = graph.input('input_ids', tokens, 'int64')
  const mask = graph.input('attention_mask', tokens, 'int64')
  const types = graph.input('token_type_ids', tokens, 'int64')
  const table = graph.constant(
    [vocabulary, DIMENSION],
    Float32Array.from({ length: vocabulary * DIMENSION }, next),
  )
  const kinds = graph.constant([2, DIMENSION], new Float32Array(2 * DIMENSION))
  const embedded = graph.add(graph.gatherRows(table, ids), graph.gatherRows(kinds, types))
  const [weights] = graph.node('Unsqueeze', [graph.toFloats(mask), graph.integers([2])], [[-1, -1, 1]])
  const [weighted] = graph.node('Mul', [embedded, weights!], [embedded.shape])
  const sum = graph.reduce('ReduceSum', weighted!, 1)
  const [mean] = graph.node('Div', [sum, graph.reduce('ReduceSum', weights!, 1)], [sum.shape])
  const [mixed] = graph.node('Add', [embedded, mean!], [embedded.shape])
  graph.output(graph.apply('Tanh', mixed!), 'last_hidden_state')
  return graph.encode()
}

/** Writes the encoder as a folder in sentence-transformers' layout. */
export function writePicoEncoder(folder: string, options: PicoEncoderOptions = {}): void {
  const vocabulary = [...SPECIAL, ...new Set((options.words ?? WORDS).split(' '))]
  const vocab = Object.fromEntries(vocabulary.map((token, id) => [token, id]))
  const special = (content: string) => {
    return {
      id: vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    }
  }
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  const described = (id: string) => ({ id, ids: [vocab[id]], tokens: [id] })
  const files: Record<string, unknown> = {
    'tokenizer.json': {
      version: '1.0',
      truncation: { max_length: 4, strategy: 'LongestFirst', stride: 0, direction: 'Right' },
      padding: null,
      added_tokens: SPECIAL.map(special),
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [token('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, token('[SEP]')],
        pair: [
          token('[CLS]'),
          { Sequence: { id: 'A', type_id: 0 } },
          token('[SEP]'),
          { Sequence: { id: 'B', type_id: 1 } },
        ],
        special_tokens: { '[CLS]': described('[CLS]'), '[SEP]': described('[SEP]') },
      },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab,
      },
    },
    'tokenizer_config.json': { model_max_length: 32, tokenizer_class: 'BertTokenizer' },
    'sentence_bert_config.json': { max_seq_length: 8 },
    '1_Pooling/config.json': { word_embedding_dimension: DIMENSION, pooling_mode_mean_tokens: true },
    ...options.files,
  }
  const write = (name: string, data: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), data)
  }
  for (const [name, value] of Object.entries(files)) if (value !== null) write(name, JSON.stringify(value))
  write(options.model ?? 'model.onnx', picoEncoderGraph(vocabulary.length))
}
