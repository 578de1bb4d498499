import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { canonicalBytes } from '../canonical.ts'
import { digestOf } from '../digest.ts'
import type { InferenceRow } from '../types.ts'
import { collect, example, inference, NOON, type SpecContext } from './fixtures.ts'

export function rowsSpec({ store, project }: SpecContext): void {
  test('a payload comes back as it went in, and its digest is that of its canonical bytes', async () => {
    const { inferences } = project()
    const payload = {
      ...inference('').payload,
      messages: [{ role: 'user', content: 'Grüße 👋 \u0001\u2028 "quoted" \\u0000 \\\\' }],
      parameters: { z: 1e21, a: -0.1, nested: { list: [1, null, true, 1e-7] } },
      latencyMs: 0.1 + 0.2,
    }
    const row = inference('', {
      payload,
      occurredAt: new Date('2026-03-01T12:00:00.123Z'),
      derivedFrom: [uuidv7()],
    })
    await inferences.insert([row])
    const [stored] = await collect(inferences.select())
    expect(stored).toEqual({
      id: row.id,
      digest: digestOf('inference', 1, canonicalBytes(payload)),
      payload,
      occurredAt: row.occurredAt,
      derivedFrom: row.derivedFrom,
      subject: null,
    })
  })

  test('the words of a subject are stored sealed, read back, and gone when the key is destroyed', async () => {
    const { inferences, keys } = project()
    const subject = await keys.subjectOf('user-17')
    const row = inference('my secret is plover-93', { subject, sourceKey: 'import:subject:1' })
    const sealed = await inferences.seal(row)
    expect(JSON.stringify(sealed)).not.toContain('plover-93')
    expect(await inferences.insert([sealed, inference('in the clear')])).toMatchObject({ inserted: 2 })
    expect(await inferences.insert([row])).toMatchObject({ inserted: 0, duplicates: 1 })
    const [stored] = await collect(inferences.select({ subject }))
    expect(stored).toMatchObject({ id: row.id, payload: row.payload, subject })
    const [dump] = (
      await store().sql.executeSql('select payload_index, payload from inferences where subject = $1', [
        subject,
      ])
    ).rows
    expect(JSON.stringify(dump!.payload_index)).toBe('{}')
    expect(Buffer.from(dump!.payload as Uint8Array).toString('latin1')).not.toContain('plover-93')

    expect(await keys.destroy(`subject/${subject}`)).toBe(true)
    expect(await collect(inferences.select({ subject }))).toEqual([])
    expect(await inferences.count({ subject })).toBe(1)
    expect(await keys.destroy(`subject/${subject}`)).toBe(false)
  })

  test('one bad row of a batch is rejected with its reason, and a NUL is not bad', async () => {
    const { inferences } = project()
    const good = Array.from({ length: 120 }, (_, index) => inference(`ticket ${index}`))
    const nul = inference('before\0after')
    const surrogate = inference('cut in half \ud83d')
    const badKey = inference('its source key holds a NUL', { sourceKey: 'import:\0' })
    const badId = inference('no UUID', { id: 'response-17' })
    const badDate = inference('no date', { occurredAt: new Date(Number.NaN) })
    const rows = [...good.slice(0, 60), nul, surrogate, badKey, badId, badDate, ...good.slice(60)]
    const report = await inferences.insert(rows)
    expect(report.inserted).toBe(121)
    expect(report.duplicates).toBe(0)
    expect(new Map(report.rejected.map(({ id, reason }) => [id, reason]))).toEqual(
      new Map([
        [surrogate.id, '$.messages[0].content holds a lone surrogate, half of a character'],
        [badKey.id, 'unsupported Unicode escape sequence'],
        [badId.id, 'invalid input syntax for type uuid: "response-17"'],
        [badDate.id, 'occurredAt is not a date'],
      ]),
    )
    const [stored] = await collect(inferences.select({ ids: [nul.id] }))
    expect(stored?.payload.messages[0]?.content).toBe('before\0after')
  })

  test('the same id or the same source key again is a duplicate and changes nothing', async () => {
    const { inferences } = project()
    const first = inference('first', { sourceKey: 'import:abc:1' })
    const twice = inference('twice in one batch', { sourceKey: 'import:abc:2' })
    expect(await inferences.insert([first, twice, { ...twice, id: uuidv7() }])).toEqual({
      inserted: 2,
      duplicates: 1,
      rejected: [],
    })
    const again = [inference('other', { id: first.id }), inference('other', { sourceKey: 'import:abc:1' })]
    expect(await inferences.insert(again)).toEqual({ inserted: 0, duplicates: 2, rejected: [] })
    expect(await inferences.insert([inference('no key'), inference('no key')])).toMatchObject({ inserted: 2 })
    const [stored] = await collect(inferences.select({ ids: [first.id] }))
    expect(stored?.payload.messages[0]?.content).toBe('first')
  })

  test('rows come in the order of time and id over several pages, and intervals are half open', async () => {
    const { inferences } = project()
    const origin = uuidv7()
    const rows = Array.from({ length: 2001 }, (_, index) =>
      // Every time is shared by three rows, so that pages end between equal times.
      inference(`${index}`, {
        occurredAt: new Date(NOON.getTime() + Math.floor(((index * 7) % 2001) / 3) * 1000),
        derivedFrom: index % 2 ? [origin] : [],
      }),
    )
    await inferences.insert(rows)
    const expected = rows
      .toSorted((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime() || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id)
    const found = await collect(inferences.select())
    expect(found.map(({ id }) => id)).toEqual(expected)
    const window = { from: new Date(NOON.getTime() + 10_000), until: new Date(NOON.getTime() + 12_000) }
    const inWindow = await collect(inferences.select(window))
    expect(inWindow.map(({ id }) => id)).toEqual(expected.slice(30, 36))
    expect(await inferences.count(window)).toBe(6)
    expect(await inferences.count()).toBe(2001)

    const links = found.map(({ id, digest, derivedFrom }) => ({ id, digest, derivedFrom }))
    const linkOf = new Map(links.map((link) => [link.id, link]))
    expect(await collect(inferences.links())).toEqual(rows.map(({ id }) => linkOf.get(id)))
    expect(await collect(inferences.digests())).toEqual(rows.map(({ id }) => linkOf.get(id)?.digest))
    expect(await collect(inferences.digests({ ids: [] }))).toEqual([])
    const derived = await collect(inferences.links({ derivedFrom: [origin], ...window }))
    expect(new Set(derived)).toEqual(new Set(links.slice(30, 36).filter((link) => link.derivedFrom.length)))
  })

  test('feedback is found by its inference and by what it derives from, before the inference exists', async () => {
    const { feedback, inferences, examples } = project()
    const [about, other] = [inference('about'), inference('other')]
    const correction = {
      id: uuidv7(),
      inferenceId: about.id,
      occurredAt: NOON,
      payload: { type: 'correction', value: 'refunds', author: 'ann' } as const,
    }
    await feedback.insert([correction, { ...correction, id: uuidv7(), inferenceId: other.id }])
    await inferences.insert([about, other])
    const made = example('about', [about.id, correction.id])
    await examples.insert([made, example('unrelated')])
    const found = await collect(feedback.select({ inferenceIds: [about.id, 'no id'] }))
    expect(found).toMatchObject([{ id: correction.id, inferenceId: about.id, payload: correction.payload }])
    const derived = await collect(examples.select({ derivedFrom: [correction.id] }))
    expect(derived.map(({ id }) => id)).toEqual([made.id])
  })

  test('what is stored after a watermark stays out of a query with it', async () => {
    const { inferences } = project()
    expect(await inferences.watermark()).toBe('0')
    const early = [inference('1'), inference('2')]
    await inferences.insert(early)
    const watermark = await inferences.watermark()
    await inferences.insert([...early, inference('3', { occurredAt: new Date(0) })])
    const found = await collect(inferences.select({ watermark }))
    expect(found.map(({ id }) => id).sort()).toEqual(early.map(({ id }) => id).sort())
    expect(await inferences.count({ watermark })).toBe(2)
    expect(BigInt(await inferences.watermark())).toBeGreaterThan(BigInt(watermark))
  })

  test('the first reading after many writes refreshes the statistics of the planner', async () => {
    const { examples } = project()
    const analyzed = async () => {
      const { rows } = await store().sql.executeSql(
        `select reltuples::integer as rows from pg_class where oid = 'examples'::regclass`,
      )
      return rows[0]?.rows
    }
    await store().sql.executeSql('alter table examples set (autovacuum_enabled = false)')
    const write = (count: number) => examples.insert(Array.from({ length: count }, () => example('text')))
    await collect(examples.select())
    const before = await analyzed()
    await write(1200)
    expect(await analyzed()).toBe(before)
    await collect(examples.links({ ids: [] }))
    const { rows } = await store().sql.executeSql('select count(*)::integer as rows from examples')
    expect(await analyzed()).toBe(rows[0]?.rows)
    await write(100)
    await collect(examples.select({ ids: [] }))
    expect(await analyzed()).toBe(rows[0]?.rows)
    await write(900)
    await collect(examples.select({ ids: [] }))
    expect(await analyzed()).toBe(Number(rows[0]?.rows) + 1000)
  })

  test('rows that a snapshot pins are not removed unless forced', async () => {
    const { examples, artifacts } = project()
    const [pinned, free] = [example('pinned'), example('free')]
    await examples.insert([pinned, free])
    const [row] = await collect(examples.select({ ids: [pinned.id] }))
    const snapshot = await artifacts.put({ kind: 'snapshot', schemaVersion: 1, value: { rows: 1 } })
    await artifacts.pinRows(snapshot.digest, [{ id: pinned.id, digest: row!.digest, split: 'train' }])
    expect(await examples.remove([pinned.id, free.id, 'no id'])).toBe(1)
    expect((await collect(examples.select())).map(({ id }) => id)).toEqual([pinned.id])
    expect(await examples.remove([pinned.id], { force: true })).toBe(1)
    expect(await examples.count()).toBe(0)
  })

  test('a row whose bytes were changed in the database is not read', async () => {
    const { inferences } = project()
    const row = inference('original')
    await inferences.insert([row])
    await store().sql.executeSql(
      `update inferences set payload = convert_to(replace(convert_from(payload, 'UTF8'), 'original', 'tampered'), 'UTF8')
       where id = $1`,
      [row.id],
    )
    await expect(collect(inferences.select())).rejects.toMatchObject({ code: 'digest-mismatch' })
    expect(await collect(inferences.links())).toMatchObject([{ id: row.id }])
  })

  test('projects do not see each other', async () => {
    const [one, two] = [project(), project()]
    const row = inference('shared id', { sourceKey: 'same' })
    expect(await one.inferences.insert([row])).toMatchObject({ inserted: 1 })
    expect(await two.inferences.insert([row])).toMatchObject({ inserted: 1 })
    await two.inferences.remove([row.id])
    const left: InferenceRow[] = await collect(one.inferences.select())
    expect(left).toHaveLength(1)
    expect(() => store().project('../elsewhere')).toThrow(expect.objectContaining({ code: 'invalid-input' }))
  })
}
