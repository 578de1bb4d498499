import type { Config } from '../../config/index.ts'
import { latestModelList } from '../../models/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import type { RegisteredBase } from '../registration.ts'
import type { EndOfLifeFact } from './facts.ts'

/** What is known of the end of a base: of the configuration and of the provider's list the earlier date. */
export async function endOfLifeOf(
  store: ProjectStore,
  config: Config,
  base: RegisteredBase,
): Promise<EndOfLifeFact | null> {
  const said = config.bases[base.name]?.endOfLife
  if (base.kind !== 'hosted') return said === undefined ? null : fact(said, 'regraft.yaml')
  const { upstream, model } = base
  const own = config.upstreams[upstream]?.endOfLife[model]
  const list = await latestModelList(store, upstream)
  const listed = list?.models.find(({ id }) => id === model)?.endOfLife ?? undefined
  if (list?.gone.includes(model)) return { date: null, from: upstream, gone: true }
  if (listed !== undefined && (own === undefined || listed < own)) return fact(listed, upstream)
  return own === undefined ? null : fact(own, 'regraft.yaml')
}

function fact(date: string, from: string): EndOfLifeFact {
  return { date: new Date(date), from, gone: false }
}
