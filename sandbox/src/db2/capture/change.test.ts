import { describe, expect, it } from 'vitest';
import { type LogRow, toChanges, touchedKeys } from './change.ts';
import type { Table } from './column.ts';

const table = (name: string): Table => ({
  schema: 'S',
  name,
  columns: [{ name: 'ID', type: 'INTEGER', length: 4, scale: 0, bits: false }],
  key: ['ID'],
});
const a = table('A');
const b = table('B');

interface Case {
  readonly name: string;
  /** Table, operation and key, in the order of the log. */
  readonly log: readonly [Table, 'D' | 'I', number][];
  /** Table, key before and after, in the order of the events. */
  readonly changes: readonly [string, number | null, number | null][];
}

const cases: readonly Case[] = [
  { name: 'an insert', log: [[a, 'I', 1]], changes: [['A', null, 1]] },
  { name: 'a delete', log: [[a, 'D', 1]], changes: [['A', 1, null]] },
  {
    name: 'an update',
    log: [
      [a, 'D', 1],
      [a, 'I', 1],
    ],
    changes: [['A', 1, 1]],
  },
  {
    name: 'two deletes, and then an insert',
    log: [
      [a, 'D', 1],
      [a, 'D', 2],
      [a, 'I', 3],
    ],
    changes: [
      ['A', 1, null],
      ['A', 2, 3],
    ],
  },
  {
    name: 'an insert behind an update',
    log: [
      [a, 'D', 1],
      [a, 'I', 1],
      [a, 'I', 2],
    ],
    changes: [
      ['A', 1, 1],
      ['A', null, 2],
    ],
  },
  {
    name: 'a delete and an insert of two tables',
    log: [
      [a, 'D', 1],
      [b, 'I', 1],
    ],
    changes: [
      ['A', 1, null],
      ['B', null, 1],
    ],
  },
  {
    name: 'an update with another table in between',
    log: [
      [a, 'D', 1],
      [b, 'I', 9],
      [a, 'I', 1],
    ],
    changes: [
      ['B', null, 9],
      ['A', 1, 1],
    ],
  },
];

function rows(log: Case['log']): readonly LogRow[] {
  return log.map(([of, operation, id], index) => ({
    table: of,
    sequence: BigInt(index),
    operation,
    image: { ID: id },
  }));
}

describe('toChanges', () => {
  it.each(cases)('$name', ({ log, changes }) => {
    const found = toChanges([...rows(log)].reverse());
    expect(
      found.map(({ table: of, before, after }) => [of.name, before?.['ID'] ?? null, after?.['ID'] ?? null]),
    ).toEqual(changes);
  });

  it('says which keys were touched, old and new ones', () => {
    const changes = toChanges(
      rows([
        [a, 'D', 1],
        [a, 'I', 2],
        [b, 'I', 3],
      ]),
    );
    expect([...touchedKeys(changes, a)]).toEqual(['{"ID":1}', '{"ID":2}']);
  });
});
