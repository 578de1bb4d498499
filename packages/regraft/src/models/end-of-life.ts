import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { runStep } from '../lineage/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { askForModels, type ModelList, modelListAlias } from './model-list.ts'

const Upstream = z.object({
  upstream: z.string(),
  failure: z.string().nullable().describe('why it could not be asked; null when it answered'),
  models: z.int().describe('models that it lists'),
  ending: z.array(z.object({ model: z.string(), endOfLife: z.string() })),
  gone: z.array(z.string()).describe('models that it listed before and does not list any more'),
})

/** Asks providers which of their models end when; `fleet check` judges by the newest answer. */
export const endOfLifeOperation = defineOperation({
  name: 'models end-of-life',
  effect: 'write',
  scope: 'write',
  mode: 'call',
  summary: 'Ask upstreams for their lists of models, and keep the dates on which models end',
  input: z.object({ upstream: z.string().optional().describe('one upstream; else all of them') }),
  output: z.object({ upstreams: z.array(Upstream) }),
  positionals: ['upstream'],
  example: 'regraft models end-of-life',
  outcome: ({ upstreams }) => (upstreams.some(({ failure }) => failure !== null) ? 'cannot-tell' : 'pass'),
  render({ upstreams }) {
    if (upstreams.length === 0) return 'no upstream is configured: upstreams in regraft.yaml'
    return upstreams
      .flatMap(({ upstream, failure, models, ending, gone }) => [
        failure === null ? `${upstream}: ${models} models` : `${upstream}: ${failure}`,
        ...ending.map(({ model, endOfLife }) => `  ${model} ends on ${endOfLife}`),
        ...gone.map((model) => `  ${model} is not listed any more`),
      ])
      .join('\n')
  },
  async run(context, { upstream }) {
    const configured = Object.keys(context.config.upstreams)
    if (upstream !== undefined && !configured.includes(upstream)) {
      const known = configured.length > 0 ? configured.join(', ') : 'none'
      throw new RegraftError('not-found', `there is no upstream '${upstream}'; configured: ${known}`, {
        hint: `add upstreams.${upstream} to regraft.yaml`,
      })
    }
    const upstreams = []
    for (const name of upstream === undefined ? configured : [upstream])
      upstreams.push(await ask(context, name))
    return { upstreams }
  },
})

/** One that does not answer takes nothing from the others, nor the list that it gave before. */
async function ask({ store, config, signal, log }: OperationContext, upstream: string) {
  const alias = modelListAlias(upstream)
  const before = await store.aliases.get(alias)
  try {
    const step = askForModels({ config: config.upstreams[upstream]!, signal, now: () => new Date() })
    const inputs = before === null ? [] : [{ role: 'before', digest: before }]
    const made = await runStep({ project: store, signal }, step, { inputs, parameters: { upstream } })
    await store.aliases.set(alias, made.digest('list'))
    const list = await store.artifacts.read<ModelList>(made.digest('list'))
    const ending = list.models.flatMap(({ id, endOfLife }) =>
      endOfLife === null ? [] : [{ model: id, endOfLife }],
    )
    return { upstream, failure: null, models: list.models.length, ending, gone: list.gone }
  } catch (error) {
    if (!(error instanceof RegraftError)) throw error
    log.warn(error.message)
    return { upstream, failure: error.message, models: 0, ending: [], gone: [] }
  }
}
