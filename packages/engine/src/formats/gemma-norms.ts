import type { Architecture, TensorSource } from './types.ts'

/**
 * Norm weights as the multipliers that they stand for.
 *
 * Hugging Face folders of Gemma hold w where the norm multiplies by 1 + w (Gemma Team 2024); GGUF files hold 1 + w
 * already. Adding one in 32-bit floats is what transformers does when it runs the model.
 */
export function plainNorms(source: TensorSource, architecture: Architecture): TensorSource {
  if (architecture !== 'gemma3') return source
  return {
    names: () => source.names(),
    has: (name) => source.has(name),
    shape: (name) => source.shape(name),
    dtype: (name) => source.dtype(name),
    read(name) {
      const values = source.read(name)
      return name.endsWith('norm.weight') ? values.map((value) => 1 + value) : values
    },
    close: () => source.close(),
  }
}
