// Trains an adapter on the tiny model of every family, with ranks and alphas of single modules, rank-stabilised, and writes
// it with the logits that it gives here. trained_adapters.py then loads each with PEFT and compares:
//   node scripts/parity/trained-adapters.ts FOLDER
//   python trained_adapters.py FOLDER
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeAdapter } from '@regraft/engine'
import { createDecoder, layOut, openBase, readWeights } from '@regraft/engine/internals'
import { LINEAR_NAMES } from '../../packages/engine/src/decoder/layer.ts'
import { fineTune } from '../../packages/engine/src/training/fine-tune.ts'
import { picoRecipe } from '../../packages/engine/src/training/pico-recipe.ts'

const families = fileURLToPath(new URL('../../bench/golden/families', import.meta.url))
const [folder] = process.argv.slice(2)
if (!folder) throw new Error('usage: node scripts/parity/trained-adapters.ts FOLDER')

const recipe = picoRecipe({
  epochs: 4,
  learningRate: 0.05,
  lora: {
    rank: 4,
    alpha: 6,
    useRslora: true,
    targetModules: [...LINEAR_NAMES],
    rankPattern: { k_proj: 2, 'layers.1.mlp.down_proj': 7 },
    alphaPattern: { q_proj: 3, 'layers.1.mlp.down_proj': 5 },
    dropout: 0.1,
  },
})
// The tokenizers of these folders know letters and digits; they have no chat template.
const chatTemplate = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
const examples = Array.from({ length: 12 }, (_, i) => ({
  messages: [{ role: 'user', content: `ab${'cde'.repeat(i % 4)}${i % 8}` }],
  completion: i % 2 ? 'Yes' : 'Nope',
}))
const prompts = [[1, 20, 40, 7, 33], Array.from({ length: 40 }, (_, i) => 3 + ((i * 7) % 60))]
const logits: Record<string, number[][]> = {}
for (const family of readdirSync(families).filter((name) => statSync(join(families, name)).isDirectory())) {
  const base = openBase(join(families, family))
  const { adapter, summary } = await fineTune({
    base: { ...base, chatTemplate },
    recipe,
    examples,
    validation: [],
    identity: family,
    checkpointPath: join(folder, `${family}.checkpoint`),
    checkpointSeconds: 3600,
    signal: new AbortController().signal,
    onEvent() {},
  })
  writeAdapter(join(folder, family), adapter)
  const decoder = createDecoder({ config: base.config, weights: readWeights(base), adapter, threads: 1 })
  logits[family] = []
  for (const ids of prompts) {
    const hidden = await decoder.stack.forward(layOut([{ ids, supervisedFrom: 1 }]))
    logits[family].push([...(await decoder.head.logits(hidden, Int32Array.of(ids.length - 1)))])
  }
  await decoder.release()
  base.close()
  console.log(`${family}: loss ${summary.losses[0]!.toFixed(3)} → ${summary.losses.at(-1)!.toFixed(3)}`)
}
writeFileSync(join(folder, 'logits.json'), JSON.stringify({ prompts, logits }))
