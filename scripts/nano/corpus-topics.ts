import { HOME_TOPICS } from './corpus-topics-home.ts'
import { TOWN_TOPICS } from './corpus-topics-town.ts'
import { TRADE_TOPICS } from './corpus-topics-trade.ts'

/** A kind of request that customers of a trade make. */
export interface Topic {
  /** Names of the topic in different label vocabularies. */
  labels: string[]
  /** What the customer wants, as it continues "wants to …". */
  wish: string
  /** Phrases in the notation of `expand`. */
  phrases: string[]
}

export interface Trade {
  name: string
  companies: string[]
  topics: Topic[]
}

export const TRADES: readonly Trade[] = [HOME_TOPICS, TOWN_TOPICS, TRADE_TOPICS].flatMap(readTrades)

function readTrades(source: string): Trade[] {
  const trades: Trade[] = []
  for (const line of source.split('\n')) {
    if (line === '') continue
    const trade = trades.at(-1)
    const heading = /^== (.+): (.+)$/.exec(line)
    const topic = /^([a-z][a-z /]+) > (.+)$/.exec(line)
    if (heading) trades.push({ name: heading[1]!, companies: heading[2]!.split(', '), topics: [] })
    else if (topic) trade!.topics.push({ labels: topic[1]!.split(' / '), wish: topic[2]!, phrases: [] })
    else if (line.startsWith('- ')) trade!.topics.at(-1)!.phrases.push(line.slice(2))
    else throw new Error(`topics: the line '${line}' is neither a trade, a topic nor a phrase`)
  }
  return trades
}
