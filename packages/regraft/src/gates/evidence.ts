import { FORMS, type Form } from '../config/index.ts'
import type { SnapshotManifest, SnapshotScreening } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { Edge } from '../store/types.ts'
import type { GateParameters } from './judge.ts'
import {
  type FormDistance,
  type LatencyMeasurement,
  type LikelihoodMeasurement,
  type StoredMeasurement,
  type SuiteMeasurement,
  upcastMeasurement,
} from './measurement.ts'
import {
  type Evidence,
  earlierRole,
  type ModelRole,
  type Need,
  type Read,
  roleOf,
  screeningOf,
} from './requirements/index.ts'

type ReadAll = <Value>(role: string) => Promise<Value[]>

/** Reads the inputs of the judging step. */
export async function readEvidence(
  { scope, suites, names }: Pick<GateParameters, 'scope' | 'suites' | 'names'>,
  inputs: readonly Edge[],
  readAll: ReadAll,
): Promise<Evidence> {
  const screenings = new Map<string, Read<SnapshotScreening>>()
  for (const suite of Object.keys(suites)) {
    const role = roleOf(screeningOf(suite))
    const input = inputs.find((edge) => edge.role === role)
    const [value] = await readAll<SnapshotScreening>(role)
    if (input && value !== undefined) screenings.set(suite, { digest: input.digest, value })
  }
  const readEach = async <Value>(
    measure: Need['measure'],
    present: (value: Value, suite: string) => Value,
  ) => {
    const found = new Map<string, Read<Value>>()
    for (const suite of Object.keys(suites)) {
      for (const role of rolesOf(measure, suite)) {
        const input = inputs.find((edge) => edge.role === role)
        const [value] = await readAll<Value>(role)
        if (input && value !== undefined)
          found.set(role, { digest: input.digest, value: present(value, suite) })
      }
    }
    return (model: ModelRole, suite: string, form?: Form): Read<Value> => {
      const role = roleOf(needOf(measure, model, suite, form))
      const read = found.get(role)
      if (read) return read
      throw new RegraftError('internal', `gates/judge: no input has the role '${role}'`)
    }
  }
  const order = await orderOfLooks(Object.keys(suites), readAll)
  const [manifest] = await readAll<SnapshotManifest>('snapshot')
  const snapshot = inputs.find(({ role }) => role === 'snapshot')
  const scores = await readEach<StoredMeasurement>('scores', (value, suite) => {
    const measurement = upcastMeasurement(value)
    return { ...measurement, items: order(suite, measurement.items) }
  })
  const distances = await readEach<FormDistance>('distance', (value) => value)
  return {
    ...{ scope, suites },
    names: { ...names, incumbent: names.incumbent ?? 'incumbent' },
    scores: (model, suite, form) => {
      const { digest, value } = scores(model, suite, form)
      return { digest, value: upcastMeasurement(value) }
    },
    likelihood: await readEach<LikelihoodMeasurement>('likelihood', (value) => value),
    latency: await readEach<LatencyMeasurement>('latency', (value) => value),
    distance: (suite, form) => distances('candidate', suite, form),
    screening: (suite) => screenings.get(suite) ?? null,
    snapshot: snapshot && manifest ? { digest: snapshot.digest, value: manifest } : null,
  }
}

/** Items in the order in which they were first looked at: an always-valid sequence only ever grows at its end. */
async function orderOfLooks(suites: readonly string[], readAll: ReadAll) {
  const places = new Map<string, Map<string, number>>()
  for (const suite of suites) {
    const place = new Map<string, number>()
    for (const measurement of await readAll<StoredMeasurement>(earlierRole(suite))) {
      for (const { id } of upcastMeasurement(measurement).items) if (!place.has(id)) place.set(id, place.size)
    }
    places.set(suite, place)
  }
  return (suite: string, items: SuiteMeasurement['items']): SuiteMeasurement['items'] => {
    const place = places.get(suite)!
    const known = items.filter(({ id }) => place.has(id))
    const others = items.filter(({ id }) => !place.has(id))
    return [...known.sort((a, b) => place.get(a.id)! - place.get(b.id)!), ...others]
  }
}

function needOf(measure: Need['measure'], model: ModelRole, suite: string, form?: Form): Need {
  if (measure === 'distance') return { measure, model: 'candidate', suite, form: form ?? 'f32' }
  return { measure, model, suite, ...(form === undefined ? {} : { form }) }
}

/** Every role that a measurement of this kind on a suite may have. */
function rolesOf(measure: Need['measure'], suite: string): string[] {
  const forms = (['f32', ...FORMS] as const).map((form) => roleOf(needOf(measure, 'candidate', suite, form)))
  const models = (['candidate', 'base', 'incumbent'] as const).map((model) =>
    roleOf(needOf(measure, model, suite)),
  )
  return [...new Set([...models, ...forms])]
}
