import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLossless } from './json.ts';
import { JsonSides } from './json-side.ts';

const TOPIC = 'topic';
const schemaOf = (columns: readonly string[], doc = '') => ({
  type: 'struct',
  doc,
  fields: columns.map((field) => ({ field, type: 'string', name: `x.${field}` })),
});
const read = (sut: JsonSides, text: string, topic = TOPIC) => sut.read(topic, 'value', Buffer.from(text));

/** Texts that look like the border between schema and payload are the ones to get wrong. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(',"payload":', '"},"payload":{"', '}', '{"schema":'),
);
const record = fc.record({
  schema: fc.record({
    columns: fc.array(
      text.filter((name) => name !== ''),
      { maxLength: 3 },
    ),
    doc: text,
  }),
  payload: fc.option(
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      text,
      { noNullPrototype: true },
    ),
  ),
  isPretty: fc.boolean(),
});

describe('JsonSides', () => {
  it.each([
    { schema: 'a', payload: 'b' },
    { schema: 7, payload: null },
    { schema: null, payload: 'b' },
    { schema: null, payload: 7 },
  ])('takes a row of two columns for what it is: %j', (row) => {
    expect(read(new JsonSides(), JSON.stringify(row)).payload).toEqual(row);
  });

  it.each([null, { id: 1 }])('takes %j out of a wrapping without schema', (payload) => {
    const side = read(new JsonSides(), JSON.stringify({ schema: null, payload }));
    expect(side).toMatchObject({ payload, schemas: null });
  });

  it('reads every record as if it were the only one', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (records, order) => {
          const sut = new JsonSides();
          for (const index of records.length === 0 ? [] : order) {
            const one = records[index % records.length];
            if (one === undefined) continue;
            const { columns, doc } = one.schema;
            const whole = JSON.stringify(
              { schema: schemaOf(columns, doc), payload: one.payload },
              null,
              one.isPretty ? 1 : 0,
            );
            const side = read(sut, whole);
            expect(side.payload).toEqual(one.payload);
            expect([...(side.schemas?.get('')?.keys() ?? [])]).toEqual([...new Set(columns)]);
          }
        },
      ),
    );
  });

  it('keeps what two sides have apart', () => {
    const sut = new JsonSides();
    const of = (columns: readonly string[]) => JSON.stringify({ schema: schemaOf(columns), payload: {} });
    for (const place of ['a', 'b', 'a', 'b'])
      expect([
        ...(read(sut, of([place]), place)
          .schemas?.get('')
          ?.keys() ?? []),
      ]).toEqual([place]);
  });

  it('reads records without schemas between those that have them', () => {
    const sut = new JsonSides();
    const whole = JSON.stringify({ schema: schemaOf(['a']), payload: { a: 'x' } });
    for (const [given, hasSchemas] of [
      [whole, true],
      ['{"a":1}', false],
      [whole, true],
      ['7', false],
    ] as const)
      expect(read(sut, given).schemas !== null).toBe(hasSchemas);
  });

  it.each([
    ['something behind the payload', (whole: string) => `${whole}}`],
    ['a third member', (whole: string) => `${whole.slice(0, -1)},"more":1}`],
    ['an end that is missing', (whole: string) => whole.slice(0, -1)],
    ['a payload that is missing', (whole: string) => whole.slice(0, whole.indexOf('"payload":') + 10)],
  ])('takes nothing for a record that has %s, whether it has seen its schema or not', (_what, change) => {
    const whole = JSON.stringify({ schema: schemaOf(['a']), payload: { a: 'x' } });
    const known = new JsonSides();
    read(known, whole);
    const outcome = (sut: JsonSides): unknown => {
      try {
        const { payload, schemas } = read(sut, change(whole));
        return { payload, schemas };
      } catch (error) {
        return String(error).startsWith('FicusError');
      }
    };
    const fresh = outcome(new JsonSides());
    expect([true, fresh]).toContainEqual(outcome(known));
    expect(fresh === true || JSON.stringify(parseLossless(change(whole))) !== undefined).toBe(true);
  });
});
