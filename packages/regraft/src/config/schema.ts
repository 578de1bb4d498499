import { z } from 'zod'
import { Duration } from './duration.ts'
import { Price } from './price.ts'
import { DEFAULT_REQUIREMENTS, Requirement } from './requirements.ts'
import { SuiteSettings } from './scorers.ts'

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

const Embedder = z
  .strictObject({
    path: z
      .string()
      .optional()
      .describe(
        'folder of a sentence encoder: model.onnx (or onnx/model.onnx), tokenizer.json, 1_Pooling/config.json',
      ),
    pooling: z
      .enum(['mean', 'cls'])
      .optional()
      .describe('how a folder pools, where it does not say so itself'),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('or an OpenAI-compatible endpoint, up to and with /v1'),
    model: z.string().min(1).optional().describe('model that the endpoint is asked for'),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of the file.
    apiKey: z.string().min(1).optional().describe('key of the endpoint, as ${VARIABLE}'),
    batch: z.int().min(1).max(2048).default(64).describe('texts of one request to the endpoint'),
  })
  .superRefine(({ path, pooling, url, model, apiKey }, context) => {
    const refuse = (at: string, message: string) => context.addIssue({ code: 'custom', path: [at], message })
    if ((path === undefined) === (url === undefined))
      context.addIssue({ code: 'custom', message: 'expected either path (a folder) or url (an endpoint)' })
    if (url !== undefined && model === undefined) refuse('model', 'an endpoint needs the name of a model')
    if (url !== undefined && pooling !== undefined) refuse('pooling', 'an endpoint pools by itself')
    if (path !== undefined && (model ?? apiKey) !== undefined)
      refuse(model === undefined ? 'apiKey' : 'model', 'belongs to an endpoint, not to a folder')
  })
  .describe('what turns texts into vectors, to find paraphrases')

const Judge = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).describe('OpenAI-compatible endpoint, up to and with /v1'),
    model: z.string().min(1).describe('model that judges'),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of the file.
    apiKey: z.string().min(1).optional().describe('key of the endpoint, as ${VARIABLE}'),
  })
  .describe('a chat model that judges')

const Paraphrase = z.strictObject({
  embedder: z
    .string()
    .min(1)
    .default('built-in')
    .describe('name of an entry of embedders, or built-in, or none'),
  threshold: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('drop rows at least so similar to an evaluation item; without it they are only counted'),
  judge: Judge.optional().describe('a chat model that confirms pairs before their rows are dropped'),
})

const Owner = z
  .strictObject({
    owner: z.string().min(1).describe('who answers for the adapters'),
    deputy: z.string().min(1).describe('who answers when the owner has left'),
  })
  .describe('people who answer for what is registered')

const days = (defaultDays: number) => z.int().min(0).max(36_500).default(defaultDays)

const Fleet = z.strictObject({
  ownerInactiveDays: days(90).describe('days without a sign of an owner that are a risk †'),
  drillDays: days(90).describe('days after which an adapter must have been rebuilt again †'),
  endOfLifeDays: days(90).describe(
    'days before the end of a base that are a risk, whatever a migration takes †',
  ),
  approvalDays: days(14).describe('days that approving another base takes †'),
  rolloutDays: days(14).describe('days that bringing it into production takes †'),
})

const PersonEntry = z
  .strictObject({
    lastActive: z.iso.date().optional().describe('the day of their last sign of life, as YYYY-MM-DD'),
    left: z.iso.date().optional().describe('the day on which they leave or have left'),
  })
  .describe('somebody who answers for adapters')

const Source = z
  .strictObject({
    retentionDays: z.int().min(0).optional().describe('how many days a row stays after it occurred'),
    until: z.iso.date().optional().describe('the day on which all of its rows are deleted'),
  })
  .refine(
    ({ retentionDays, until }) => (retentionDays ?? until) !== undefined,
    'expected retentionDays or until',
  )
  .describe('how long the rows of a source stay')

const Gates = z.strictObject({
  margin: z
    .number()
    .positive()
    .max(1)
    .default(0.02)
    .describe('non-inferiority margin, as a share of items †'),
  alpha: z.number().positive().max(0.5).default(0.05).describe('one-sided error probability of a gate †'),
  gap: z
    .number()
    .positive()
    .max(1)
    .default(0.05)
    .describe(
      'how far a score on the frozen suite may lie above that on the fresh one, as a share of items †',
    ),
  sequential: z
    .boolean()
    .default(false)
    .describe('whether a gate may be judged again on a suite that has grown; costs items at each look'),
  requirements: z
    .array(Requirement)
    .min(1)
    .prefault([...DEFAULT_REQUIREMENTS])
    .describe('what an adapter must show; all of them must pass'),
})

const Drills = z.strictObject({
  margin: z
    .number()
    .positive()
    .max(1)
    .default(0.02)
    .describe('by how much rebuilt adapters may differ and count as equivalent, as a share of items †'),
  seeds: z
    .int()
    .min(3)
    .max(100)
    .default(3)
    .describe('how many seeds are trained where the recorded one does not give the same bytes †'),
  every: Duration.optional().describe(
    'a server rebuilds each adapter so often, as 30d; without it only who asks does',
  ),
  adapters: z
    .record(z.string(), z.union([Duration, z.literal('never')]))
    .default({})
    .describe('other intervals for single adapters, by name, or never'),
  hourlyCost: z
    .strictObject({
      amount: z.number().nonnegative().describe('what an hour of this machine costs'),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/, 'expected three capital letters')
        .describe('as in ISO 4217'),
    })
    .optional()
    .describe('price of the machine, for the cost of a drill'),
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

const Upstream = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'expected the address of an API, such as https://host/v1' })
      .refine(
        (url) => !/[?#]|\/\/[^/]*@/.test(url),
        'keys belong into apiKey or headers, not into the address',
      )
      .describe('address up to and including /v1'),
    apiKey: z
      .string()
      .min(1)
      .optional()
      .describe('sent as Authorization: Bearer; name an environment variable, see configuration'),
    models: z
      .array(z.string().min(1))
      .min(1)
      .describe('names of its models; * stands for any text, and such names are not listed'),
    headers: z
      .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected the name of a header'), z.string())
      .default({})
      .describe('headers sent with each request'),
    prices: z.record(z.string(), Price).default({}).describe('prices by model'),
    endOfLife: z
      .record(z.string(), z.iso.date())
      .default({})
      .describe('the last day of a model, by its name, where the list of the provider does not say it'),
    timeout: z
      .number()
      .positive()
      .max(86_400)
      .default(600)
      .describe('seconds to wait for the answer, or its next piece †'),
  })
  .describe('an OpenAI-compatible API that answers for its models')

const Upstreams = z.record(z.string(), Upstream).superRefine((upstreams, context) => {
  const owners = new Map<string, string>()
  for (const [name, { models }] of Object.entries(upstreams)) {
    for (const [index, model] of models.entries()) {
      const other = owners.get(model)
      if (other !== undefined && other !== name) {
        const message = `${model} belongs to upstreams.${other} already`
        context.addIssue({ code: 'custom', path: [name, 'models', index], message })
      }
      owners.set(model, name)
    }
  }
})

const Route = z
  .strictObject({
    model: z.string().min(1).describe('the model that answers: of an upstream, an adapter, or a base'),
  })
  .describe('a name of your own for a model')

const Capture = z.strictObject({
  fsync: z
    .enum(['always', 'interval', 'never'])
    .default('always')
    .describe('when the journal is synced: without a pause, once a second, or by the kernel'),
})

const Keys = z.strictObject({
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
  upstreams: Upstreams.default({}).describe('OpenAI-compatible APIs by name'),
  routes: z.record(z.string(), Route).default({}).describe('names that requests may give instead of a model'),
  capture: Capture.prefault({}).describe('how answers and feedback are logged'),
  embedders: z.record(z.string(), Embedder).default({}).describe('embedders by name'),
  paraphrase: Paraphrase.prefault({}).describe('rows that paraphrase evaluation items'),
  judges: z.record(z.string(), Judge).default({}).describe('models that judge answers, by name'),
  suites: z.record(z.string(), SuiteSettings).default({}).describe('evaluation suites by name'),
  gates: Gates.prefault({}).describe('what a gate requires, and its thresholds'),
  privacy: Privacy.prefault({}).describe('personal data in what is trained on'),
  drills: Drills.prefault({}).describe('rebuild drills: margin, seeds, schedule and cost'),
  vault: Vault.prefault({}).describe('how often an evaluation suite may be asked before it is used up'),
  fleet: Fleet.prefault({}).describe('when an adapter is at risk of becoming an orphan'),
  people: z.record(z.string(), PersonEntry).default({}).describe('owners and deputies by name'),
  sources: z
    .record(z.string(), Source)
    .default({})
    .describe('retention by source: serving, trace, or the name of an imported file'),
  owners: Owner.optional(),
})

/** What `regraft.yaml` may say: the one source of defaults, types, JSON Schema and docs of the configuration. */
export const Config = Keys.superRefine(({ judges, suites }, context) => {
  for (const [name, { scorer }] of Object.entries(suites)) {
    if (!('judge' in scorer) || Object.hasOwn(judges, scorer.judge)) continue
    const known = Object.keys(judges).join(', ') || 'none'
    const message = `there is no judge '${scorer.judge}'; judges: ${known}`
    context.addIssue({ code: 'custom', path: ['suites', name, 'scorer', 'judge'], message })
  }
})
export type Config = z.output<typeof Config>
export type UpstreamConfig = z.output<typeof Upstream>
