import { z } from 'zod'

const Task = z
  .strictObject({
    system: z.string().default('').describe('the system prompt of this task'),
    label: z.string().optional().describe('name of the label field in imported files'),
    evaluation: z.string().optional().describe('name of the sealed evaluation suite'),
    consent: z.string().optional().describe('what the people whose words are trained on agreed to'),
  })
  .describe('a task that adapters are trained for')

const Base = z
  .strictObject({
    path: z.string().describe('folder of a Hugging Face model, or a GGUF file'),
    endOfLife: z.iso
      .date()
      .optional()
      .describe('the day after which this base is no longer offered, as YYYY-MM-DD'),
  })
  .describe('a base model')

const Owner = z
  .strictObject({
    owner: z.string().min(1).describe('who answers for the adapters'),
    deputy: z.string().min(1).describe('who answers when the owner has left'),
  })
  .describe('people who answer for what is registered')

const Gates = z.strictObject({
  margin: z
    .number()
    .positive()
    .max(1)
    .default(0.02)
    .describe('non-inferiority margin, as a share of items †'),
  alpha: z.number().positive().max(0.5).default(0.05).describe('one-sided error probability of a gate †'),
})

const Vault = z.strictObject({
  evaluations: z
    .int()
    .min(1)
    .default(100)
    .describe('how often models may be measured on one evaluation suite †'),
  screens: z
    .int()
    .min(1)
    .default(1000)
    .describe('how often training rows may be compared with one evaluation suite †'),
})

const Server = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address to listen on; others than loopback need an API key'),
  port: z.int().min(0).max(65535).default(7878).describe('TCP port; 0 takes a free one'),
  maxWaiting: z
    .int()
    .min(1)
    .max(100_000)
    .default(64)
    .describe('requests to one base that may run or wait at once; more are answered with 429 †'),
  adapterDirectory: z
    .string()
    .min(1)
    .optional()
    .describe('folder below which /v1/load_lora_adapter takes paths; else it takes none'),
  requireKey: z.boolean().default(false).describe('ask for an API key on loopback too'),
})

const Privacy = z.strictObject({
  pii: z
    .enum(['mask', 'flag', 'drop'])
    .default('mask')
    .describe(
      'what `datasets build` does with personal data: replace it by masks, only count it, or leave the row out †',
    ),
  names: z.array(z.string().min(1)).default([]).describe('names of people that count as personal data'),
  namesFile: z
    .string()
    .min(1)
    .optional()
    .describe('a file with one such name per line, relative to this file'),
})

/** What `regraft.yaml` may say: the one source of defaults, types, JSON Schema and docs of the configuration. */
export const Config = z.strictObject({
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes')
    .default('default')
    .describe('the project whose rows and adapters this file is about'),
  dataDirectory: z
    .string()
    .min(1)
    .default('.regraft')
    .describe('where the embedded database and the files live, relative to this file'),
  keysDirectory: z
    .string()
    .min(1)
    .optional()
    .describe('where the keys of end users and vaults live; else `keys` in the data directory'),
  databaseUrl: z
    .string()
    .startsWith('postgres')
    .optional()
    .describe('a Postgres instead of the embedded database'),
  server: Server.prefault({}).describe('the HTTP server of `regraft serving up`'),
  tasks: z.record(z.string(), Task).default({}).describe('tasks by name'),
  bases: z.record(z.string(), Base).default({}).describe('base models by name'),
  gates: Gates.prefault({}).describe('thresholds of gates'),
  privacy: Privacy.prefault({}).describe('personal data in what is trained on'),
  vault: Vault.prefault({}).describe('how often an evaluation suite may be asked before it is used up'),
  owners: Owner.optional(),
})
export type Config = z.output<typeof Config>
