import { describe, expect, it } from 'vitest';
import { column } from '#testing/drafts';
import { columnTypeFault } from './column-type.ts';
import type { ElementType, FieldType } from './field-type.ts';
import type { CatalogueColumn } from './ports/catalogue.ts';

const text: FieldType = { kind: 'string', trim: false, length: null };
const decimal = (precision: number | null, scale: number | null): FieldType => ({
  kind: 'decimal',
  precision,
  scale,
});
const numeric = (precision: number | null, scale: number | null) =>
  column('c', 'numeric', { precision, scale });

const wide = { kind: 'decimal', precision: null, scale: null, extended: true } as const;
const array = (of: ElementType): FieldType => ({ kind: 'array', of });

interface Case {
  readonly of: CatalogueColumn;
  readonly as: FieldType;
  readonly says: RegExp | null;
}

const cases: readonly Case[] = [
  { of: column('c', 'integer'), as: { kind: 'int' }, says: null },
  { of: column('c', 'integer'), as: { kind: 'long' }, says: null },
  { of: column('c', 'bigint'), as: { kind: 'int' }, says: /c is bigint, .* read as int; legal is long$/ },
  { of: column('c', 'text'), as: { kind: 'date' }, says: /legal is string, uuid, json/ },
  { of: column('c', 'text'), as: { kind: 'uuid' }, says: null },
  { of: column('c', 'enum'), as: { kind: 'int' }, says: /c is enum/ },
  { of: column('c', 'uuid'), as: text, says: null },
  { of: column('c', 'name'), as: text, says: /sends as null/ },
  { of: column('c', 'real'), as: { kind: 'double' }, says: /legal is float/ },
  { of: column('c', 'boolean'), as: text, says: /legal is boolean/ },
  {
    of: column('c', 'DECIMAL', { precision: 9, scale: 2 }),
    as: { kind: 'double' },
    says: /legal is decimal/,
  },
  { of: numeric(12, 2), as: decimal(12, 2), says: null },
  { of: numeric(12, 2), as: decimal(15, 4), says: null },
  { of: numeric(12, 2), as: decimal(null, null), says: null },
  { of: numeric(12, 2), as: decimal(12, 4), says: /numeric\(12,2\), but the plan holds 12,4 only/ },
  { of: numeric(12, 2), as: decimal(12, 0), says: /legal is type: decimal, precision: 12, scale: 2/ },
  { of: numeric(null, null), as: decimal(12, 2), says: /without a fixed scale/ },
  {
    of: numeric(38, 10),
    as: decimal(null, null),
    says: /numeric\(38,10\), which has more digits than MongoDB's decimal; legal is type: decimal, precision: 38, scale: 10, extended: true$/,
  },
  { of: numeric(38, 10), as: { ...wide, precision: 38, scale: 10 }, says: null },
  { of: numeric(38, 10), as: wide, says: null },
  { of: numeric(null, null), as: wide, says: null },
  { of: numeric(5, -2), as: decimal(7, 0), says: null },
  {
    of: numeric(5, -2),
    as: decimal(null, null),
    says: /2,046 zeros .* legal is type: decimal, precision: 7, scale: 0$/,
  },
  { of: numeric(18, 0), as: { kind: 'long' }, says: null },
  { of: numeric(19, 0), as: { kind: 'long' }, says: /legal is decimal$/ },
  // Of what Ficus has no type for, only the plan's author can know.
  { of: column('c', 'box'), as: text, says: null },
  { of: column('c', 'int4range'), as: text, says: null },
  { of: column('c', 'int4range'), as: { kind: 'int' }, says: /legal is string/ },
  { of: column('c', 'interval'), as: { kind: 'interval' }, says: null },
  { of: column('c', 'interval'), as: text, says: /legal is interval/ },
  { of: column('c', 'time with time zone'), as: { kind: 'timetz', precision: 6 }, says: null },
  { of: column('c', 'bit', { length: 8 }), as: { kind: 'bits', length: 8 }, says: null },
  {
    of: column('c', 'bit', { length: 8 }),
    as: { kind: 'bits', length: 9 },
    says: /bit\(8\), but the plan says length 9/,
  },
  {
    of: column('c', 'bit', { length: 129 }),
    as: { kind: 'bits', length: 128 },
    says: /more than 128 bits as null/,
  },
  {
    of: column('c', 'bit varying', { length: 8 }),
    as: { kind: 'bits', length: 8 },
    says: /does not send the zeros/,
  },
  { of: column('c', 'integer[]'), as: array({ kind: 'int' }), says: null },
  { of: column('c', 'integer[]'), as: array({ kind: 'long' }), says: null },
  {
    of: column('c', 'integer[]'),
    as: array({ kind: 'uuid' }),
    says: /elements cannot be read as uuid; legal is int, long/,
  },
  { of: column('c', 'integer[]'), as: { kind: 'int' }, says: /legal is array/ },
  {
    of: column('c', 'smallint[]'),
    as: array({ kind: 'int' }),
    says: /an array of smallint as null when an update left it unchanged/,
  },
  { of: column('c', 'point[]'), as: array({ kind: 'int' }), says: /point\[\] has no field type yet/ },
];

describe('a column', () => {
  it.each(cases)('$of.type as $as: $says', ({ of, as, says }) => {
    const fault = columnTypeFault(of, as);
    if (says === null) expect(fault).toBeNull();
    else expect(fault).toMatch(says);
  });
});
