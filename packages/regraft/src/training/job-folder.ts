import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AnyExample,
  JOB_FILES,
  PROTOCOL_VERSION,
  type ReferenceLine,
  type TrainerJob,
} from '@regraft/engine'
import type { BaseRecord } from '../models/index.ts'

const CHECKPOINT_SECONDS = 20

/** What a job folder of the trainer protocol is written from. */
export interface JobSources {
  /** What is to be done, without what is the same for every job. */
  job: OmitEach<TrainerJob, 'protocol' | 'checkpointSeconds'>
  train: readonly AnyExample[]
  validation: readonly AnyExample[]
  /** For the losses that need a reference. */
  reference?: { train: readonly ReferenceLine[]; validation: readonly ReferenceLine[] }
}

type OmitEach<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never

/** Writes a job folder; what is there already is replaced by the same bytes. */
export async function writeJobFolder(folder: string, sources: JobSources): Promise<void> {
  const { job, train, validation, reference } = sources
  await mkdir(folder, { recursive: true })
  const write = (name: string, text: string) => replaceFile(join(folder, name), text)
  await write(JOB_FILES.train, lines(train))
  await write(JOB_FILES.validation, lines(validation))
  if (reference) {
    await write(JOB_FILES.reference, lines(reference.train))
    await write(JOB_FILES.validationReference, lines(reference.validation))
  }
  const whole = { protocol: PROTOCOL_VERSION, checkpointSeconds: CHECKPOINT_SECONDS, ...job }
  await write(JOB_FILES.job, `${JSON.stringify(whole, null, 2)}\n`)
}

/** How a job names a base. */
export function baseFile({ name, digests }: BaseRecord, path: string) {
  return { name, path, digests }
}

function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('')
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.unfinished`, text)
  await rename(`${path}.unfinished`, path)
}
