import type { DecodePrecision } from '@regraft/engine'
import type { Form } from '../config/index.ts'

/** How an adapter is put to use: beside the weights of its base or merged into them, and what these are kept in. */
export interface FormTraits {
  isMerged: boolean
  precision: DecodePrecision
}

const TRAITS: Record<Form, FormTraits> = {
  f32: { isMerged: false, precision: 'f32' },
  int8: { isMerged: false, precision: 'int8' },
  int4: { isMerged: false, precision: 'int4' },
  merged: { isMerged: true, precision: 'f32' },
  'merged-int8': { isMerged: true, precision: 'int8' },
  'merged-int4': { isMerged: true, precision: 'int4' },
}

export function traitsOf(form: Form): FormTraits {
  return TRAITS[form]
}
