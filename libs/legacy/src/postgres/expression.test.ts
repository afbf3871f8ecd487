import { describe, expect, test } from 'vitest';
import type { FieldType } from '#core/field-type';
import { aColumn } from '#testing/orders-shape';
import type { Column } from './columns.ts';
import { assigned, comparable, textOf } from './expression.ts';

const trimmed: FieldType = { kind: 'string', trim: true, length: null };
const whole: FieldType = { kind: 'string', trim: false, length: null };

interface Case {
  readonly column: Column;
  readonly type: FieldType;
  readonly text?: string;
  readonly equality: string;
  readonly order: string;
}

const cases: readonly Case[] = [
  {
    column: aColumn('c', 'bpchar'),
    type: trimmed,
    equality: 't."c" = $1::bpchar',
    order: 't."c" > $1::bpchar',
  },
  {
    // Padded values are compared padded, and by the whole of their text.
    column: aColumn('c', 'bpchar'),
    type: whole,
    text: 'textin(bpcharout(t."c"))',
    equality: 'textin(bpcharout(t."c")) COLLATE "C" = $1::text',
    order: 'textin(bpcharout(t."c")) COLLATE "C" > $1::text',
  },
  {
    column: aColumn('c', 'text', { byCodePoint: false }),
    type: whole,
    equality: 't."c" = $1::text',
    order: 't."c" COLLATE "C" > $1::text',
  },
  {
    column: aColumn('c', 'text', { byCodePoint: false, loose: true }),
    type: whole,
    equality: 't."c" COLLATE "C" = $1::text',
    order: 't."c" COLLATE "C" > $1::text',
  },
  {
    column: aColumn('c', 'mood', { family: 'e' }),
    type: whole,
    equality: 't."c"::text COLLATE "C" = $1::text',
    order: 't."c"::text COLLATE "C" > $1::text',
  },
  {
    column: aColumn('c', 'inet'),
    type: whole,
    text: 'textin(inet_out(t."c"))',
    equality: 'textin(inet_out(t."c")) COLLATE "C" = $1::text',
    order: 'textin(inet_out(t."c")) COLLATE "C" > $1::text',
  },
  {
    column: aColumn('c', 'int4'),
    type: { kind: 'long' },
    equality: 't."c" = $1::bigint',
    order: 't."c" > $1::bigint',
  },
  {
    column: aColumn('c', 'text'),
    type: { kind: 'uuid' },
    equality: 't."c"::text::uuid = $1::uuid',
    order: 't."c"::text::uuid > $1::uuid',
  },
  {
    column: aColumn('c', 'float8'),
    type: { kind: 'double' },
    equality: 't."c" = $1::float8',
    order:
      `CASE WHEN t."c" = 'NaN' THEN '{}'::float8[] WHEN t."c" IS NOT NULL THEN ARRAY[t."c"] END > ` +
      `CASE WHEN $1::float8 = 'NaN' THEN '{}'::float8[] WHEN $1::float8 IS NOT NULL THEN ARRAY[$1::float8] END`,
  },
  {
    column: aColumn('c', 'float4'),
    type: { kind: 'float' },
    equality: 't."c" = $1::float4',
    order:
      `CASE WHEN t."c" = 'NaN' THEN '{}'::float4[] WHEN t."c" IS NOT NULL THEN ARRAY[t."c"] END > ` +
      `CASE WHEN $1::float4 = 'NaN' THEN '{}'::float4[] WHEN $1::float4 IS NOT NULL THEN ARRAY[$1::float4] END`,
  },
  {
    column: aColumn('c', 'bytea'),
    type: { kind: 'bytes' },
    equality: `t."c" = decode($1, 'base64')`,
    order: `translate(encode(t."c", 'base64'), E'\\n', '') COLLATE "C" > $1::text`,
  },
];

describe('a column', () => {
  test.each(cases)('$column.type as $type.kind', ({ column, type, text, equality, order }) => {
    const sides = comparable('t', column, type);
    expect(`${sides.equality.expression} = ${sides.equality.operand('$1')}`).toBe(equality);
    expect(`${sides.order.expression} > ${sides.order.operand('$1')}`).toBe(order);
    expect(textOf('t', column, type)).toBe(text ?? 't."c"::text');
  });

  test('is quoted whatever it is called', () => {
    expect(textOf('t', aColumn('a"b c', 'text'), whole)).toBe('t."a""b c"::text');
  });

  test('takes a value by its own type', () => {
    const mood = aColumn('c', 'mood', { cast: '"Odd one".mood' });
    expect(assigned(mood, whole, '$1')).toBe('$1::"Odd one".mood');
    expect(assigned(aColumn('c', 'bytea'), { kind: 'bytes' }, '$1')).toBe(`decode($1, 'base64')`);
  });
});
