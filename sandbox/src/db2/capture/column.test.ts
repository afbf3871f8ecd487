import { describe, expect, it } from 'vitest';
import {
  type Column,
  declaration,
  keyJson,
  micros,
  rowJson,
  selected,
  type Table,
  toJson,
  type Value,
} from './column.ts';

function column(type: string, more: Partial<Column> = {}): Column {
  return { name: 'C', type, length: 10, scale: 0, bits: false, ...more };
}

interface Case {
  readonly name: string;
  readonly column: Column;
  readonly value: Value;
  readonly json: string;
}

const cases: readonly Case[] = [
  { name: 'null', column: column('BIGINT'), value: null, json: 'null' },
  {
    name: 'a BIGINT beyond a double',
    column: column('BIGINT'),
    value: '9007199254740993',
    json: '9007199254740993',
  },
  { name: 'a DECIMAL as a text', column: column('DECIMAL', { scale: 2 }), value: '-0.50', json: '"-0.50"' },
  { name: 'a DOUBLE', column: column('DOUBLE'), value: 1.5, json: '1.5' },
  { name: 'a BOOLEAN of the driver', column: column('BOOLEAN'), value: 1, json: 'true' },
  { name: 'a false one', column: column('BOOLEAN'), value: 0, json: 'false' },
  { name: 'a padded CHAR', column: column('CHARACTER'), value: 'añ   ', json: '"añ   "' },
  { name: 'quotes and controls', column: column('VARCHAR'), value: 'a"\n', json: '"a\\"\\n"' },
  { name: 'bytes', column: column('CHARACTER', { bits: true }), value: '00FF10', json: '"AP8Q"' },
  { name: 'a DATE before the epoch', column: column('DATE'), value: '1969-12-31', json: '-1' },
  { name: 'a TIME', column: column('TIME'), value: '23:59:59', json: '86399000' },
  {
    name: 'a TIMESTAMP before the epoch',
    column: column('TIMESTAMP'),
    value: '1969-12-31 23:59:59.999999',
    json: '-1',
  },
  {
    name: "a TIMESTAMP at the calendar's end",
    column: column('TIMESTAMP'),
    value: '9999-12-31 23:59:59.999999',
    json: '253402300799999999',
  },
];

describe('values', () => {
  it.each(cases)('$name', ({ column, value, json }) => {
    expect(toJson(column, value)).toBe(json);
  });

  it("stand under their column's name, and keys in the key's order", () => {
    const table: Table = {
      schema: 'S',
      name: 'T',
      columns: [column('INTEGER', { name: 'A' }), column('VARCHAR', { name: 'B"' })],
      key: ['B"', 'A'],
    };
    expect(rowJson(table.columns, { A: 1, 'B"': 'x' })).toBe('{"A":1,"B\\"":"x"}');
    expect(keyJson(table, { A: 1, 'B"': 'x' })).toBe('{"B\\"":"x","A":1}');
  });

  it('are read and declared by their type', () => {
    expect(selected(column('DECIMAL'))).toBe('TRIM(CHAR("C")) AS "C"');
    expect(selected(column('CHARACTER', { bits: true }))).toBe('ASNCDC.HEX("C") AS "C"');
    expect(declaration(column('CHARACTER', { bits: true }))).toBe('CHAR(10) FOR BIT DATA');
    expect(declaration(column('DECIMAL', { scale: 3 }))).toBe('DECIMAL(10, 3)');
    expect(micros('2026-01-02 03:04:05')).toBe(1_767_323_045_000_000n);
  });
});
