import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation, InputFile, OutputFile } from '../operation/index.ts'
import { renderVerdict } from '../verdict/index.ts'
import { type SignedCertificate, verifyCertificate } from './erasure/index.ts'

const Certificate = z.custom<SignedCertificate>(
  (value) => typeof value === 'object' && value !== null && 'signature' in value && 'drill' in value,
)

/** A certificate of an erasure, from the store or from a file, with what its signature is worth. */
export const certificateOperation = defineOperation({
  name: 'datasets certificate',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show the certificate of an erasure and verify its signature',
  input: z.object({
    certificate: z.string().optional().describe('digest of the certificate'),
    file: InputFile.optional().describe('a file that --out has written, instead of the digest'),
  }),
  output: z.object({
    certificate: Certificate,
    valid: z.boolean().describe('the signature is that of this statement'),
    own: z.boolean().describe("the key is this project's own"),
    out: OutputFile.describe('a file with statement, signature and public key, that openssl can verify'),
  }),
  positionals: ['certificate'],
  example: 'regraft datasets certificate 3f9a1c0b7d21 --out certificate.json',
  render({ certificate, valid, own }) {
    const { subject, plannedAt, keyDestroyedAt, finishedAt, removed, snapshots, retrain, drill } = certificate
    const count = (rows: Record<string, number>) => Object.values(rows).reduce((sum, rows) => sum + rows, 0)
    const whose = own ? "this project's key" : 'the key in it, which is not that of this project'
    return [
      `certificate of the erasure of person ${subject.slice(0, 12)}`,
      `  signature: ${valid ? `valid, by ${whose}` : 'NOT VALID: the certificate was changed'}`,
      `  planned ${plannedAt}, key destroyed ${keyDestroyedAt ?? 'never: there was none'}, finished ${finishedAt}`,
      `  removed: ${count(removed.own)} own rows, ${count(removed.derived)} made from them, ${removed.blobs.length + removed.paths.length} files, ${removed.answers} kept answers, ${removed.jobs} records of jobs`,
      `  snapshots that held them: ${snapshots.map(shortDigest).join(', ') || 'none'}`,
      ...retrain.map(({ adapter, registrations }) => {
        const names = registrations.map(
          ({ name, version, owner }) => `${name} v${version}, owner ${owner ?? 'nobody'}`,
        )
        return `  train again: adapter ${shortDigest(adapter)}  ${names.join('; ') || 'not registered'}`
      }),
      renderVerdict(drill.verdict),
      ...drill.finds.map(
        ({ file, offset, encoding }) => `    found in ${file} at byte ${offset} (${encoding})`,
      ),
      ...drill.records.map(({ table, key }) => `    found in ${table} ${key}`),
      '  not covered:',
      ...certificate.notCovered.map((text) => `    - ${text}`),
    ].join('\n')
  },
  async run({ store }, { certificate, file }) {
    if ((certificate === undefined) === (file === undefined)) {
      throw new RegraftError('invalid-input', 'give a digest, or --file', {
        hint: 'regraft datasets erase prints the digest of a certificate',
      })
    }
    const signed = file
      ? await readFile(await store.blobs.read(file.digest))
      : await readArtifact(certificate!)
    const { statement, valid } = verifyCertificate(signed)
    const { publicKey } = await store.keys.sign(statement)
    const { signature } = signed
    const written = { statement: Buffer.from(statement).toString('utf8'), ...signature }
    const out = await store.blobs.put(Buffer.from(`${JSON.stringify(written, null, 2)}\n`))
    return {
      ...{ certificate: signed, valid, own: publicKey === signature.publicKey },
      out: { ...out, name: 'certificate.json' },
    }

    async function readArtifact(digest: string): Promise<SignedCertificate> {
      const artifact = await store.artifacts.resolve(digest)
      if (artifact.kind === 'certificate')
        return await store.artifacts.read<SignedCertificate>(artifact.digest)
      throw new RegraftError('invalid-input', `${digest} is a ${artifact.kind}, not a certificate`, {
        hint: 'regraft datasets erase prints the digest of a certificate',
      })
    }
  },
})

const Written = z.object({
  statement: z.string(),
  algorithm: z.literal('ed25519'),
  publicKey: z.string(),
  value: z.string(),
})

async function readFile(bytes: Uint8Array): Promise<SignedCertificate> {
  const invalid = (cause: unknown) =>
    new RegraftError('invalid-file', 'the file is no certificate', {
      hint: 'regraft datasets certificate <digest> --out certificate.json writes one',
      cause,
    })
  let parsed: ReturnType<typeof Written.safeParse>
  let statement: unknown
  try {
    parsed = Written.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')))
    statement = parsed.success ? JSON.parse(parsed.data.statement) : null
  } catch (cause) {
    throw invalid(cause)
  }
  if (!parsed.success || typeof statement !== 'object' || statement === null || !('drill' in statement)) {
    throw invalid(parsed.error)
  }
  const { algorithm, publicKey, value } = parsed.data
  return { ...statement, signature: { algorithm, publicKey, value } } as SignedCertificate
}
