import { describe, expect, it } from 'vitest';
import { anEvent, type EventGiven } from '#testing/an-event';
import { interpretEvent, UNAVAILABLE, type ValueDecoder } from './change-event.ts';
import { FicusError } from './errors.ts';
import type { CanonicalValue, FieldType } from './field-type.ts';
import type { Field, Plan } from './plan.ts';

const INT: FieldType = { kind: 'int' };
const TEXT: FieldType = { kind: 'string', trim: false, length: null };

function field(path: string, column: string, type: FieldType): Field {
  return { path, segments: path.split('.'), column, type, required: false, readOnly: false };
}

const plan: Plan = {
  unit: 'orders',
  owner: 'team',
  description: '',
  mode: 'RW',
  system: 'shop',
  version: { kind: 'lsn' },
  topic: 'shop.s.order',
  collection: 'orders',
  root: {
    table: 's.order',
    key: ['region', 'order_id'],
    fields: [
      field('region', 'region', TEXT),
      field('orderId', 'order_id', INT),
      field('payee.name', 'payee', TEXT),
    ],
    ignore: ['internal'],
  },
  embeds: [
    {
      path: 'lines',
      table: 's.line',
      topic: 'shop.s.line',
      parentKey: ['line_region', 'line_order'],
      key: ['line_id'],
      cardinality: 'many',
      fields: [field('lineId', 'line_id', INT), field('text', 'text', TEXT)],
      ignore: [],
    },
  ],
  truncate: 'hold',
  reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
  levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1, badShare: 0.05 },
};
const versioned: Plan = {
  ...plan,
  version: { kind: 'column', column: 'rv' },
  root: { ...plan.root, fields: [...plan.root.fields, field('rv', 'rv', { kind: 'long' })] },
};

const decode: ValueDecoder = (_type, { value }) => {
  if (value === 'bad') throw new FicusError('value_invalid', '"bad" is not legal here');
  return value as CanonicalValue | typeof UNAVAILABLE;
};

const order = { region: 'eu', order_id: 7, payee: 'Ann' };
const line = { line_region: 'eu', line_order: 7, line_id: 3, text: 'x' };

const interpret = (given: EventGiven, by: Plan = plan) => interpretEvent(by, anEvent(given), 3, decode);

describe('interpretEvent', () => {
  it('maps a row to its document by path', () => {
    expect(interpret({ op: 'create', after: { ...order, internal: 'secret' } })).toEqual({
      unknownColumns: [],
      changes: [
        {
          key: ['eu', 7],
          embed: null,
          evidence: {
            kind: 'streamed',
            epoch: 3,
            position: 100n,
            log: { incarnation: 1, partition: 0, offset: 5n },
          },
          committedAt: 1_000,
          effect: {
            kind: 'upsert',
            content: { region: 'eu', orderId: 7, 'payee.name': 'Ann' },
            unavailable: [],
            unmapped: {},
          },
        },
      ],
    });
  });

  it('reports a column that is neither mapped nor ignored, and keeps its value as JSON can hold it', () => {
    const { changes, unknownColumns } = interpret({
      after: { ...order, big: 9_007_199_254_740_993n, deep: { a: [1n, null, 'x'] }, gone: null },
    });
    expect(unknownColumns).toEqual(['big', 'deep', 'gone']);
    const unmapped = { big: '9007199254740993', deep: { a: ['1', null, 'x'] }, gone: null };
    expect(changes[0]?.effect).toMatchObject({ unmapped });
    expect(JSON.parse(JSON.stringify(unmapped))).toEqual(unmapped);
  });

  const dated: Plan = {
    ...plan,
    root: { ...plan.root, fields: [...plan.root.fields, field('day', 'day', { kind: 'date' })] },
  };
  const shifted = ['1582-10-25', '0044-03-15', '-000043-03-15'];
  const agreed = ['1582-10-26', '+010000-01-01', 'infinity', '-infinity', null];
  it.each([
    ...shifted.map((day) => ({ calendar: 'hybrid', day, taken: false }) as const),
    ...agreed.map((day) => ({ calendar: 'hybrid', day, taken: true }) as const),
    { calendar: 'proleptic', day: '1500-01-01', taken: true } as const,
  ])('takes the day $day of a $calendar calendar: $taken', ({ calendar, day, taken }) => {
    const { changes } = interpret({ op: 'read', calendar, after: { ...order, day } }, dated);
    expect(changes[0]?.effect).toMatchObject({ unavailable: taken ? [] : ['day'] });
  });

  it('takes no day that a shift has led out of the legal years', () => {
    const refusing: ValueDecoder = (type, wire) => {
      if (type.kind === 'date') throw new FicusError('value_invalid', 'year 0');
      return decode(type, wire);
    };
    const read = (day: number) =>
      interpretEvent(
        dated,
        anEvent({ op: 'read', calendar: 'hybrid', after: { ...order, day } }),
        3,
        refusing,
      );
    expect(read(-719_529).changes[0]?.effect).toMatchObject({ unavailable: ['day'] });
    expect(() => read(9_999_999)).toThrow('column day of s.order: year 0');
  });

  it('leaves an unavailable column out of the content', () => {
    const { changes } = interpret({ after: { ...order, payee: UNAVAILABLE } });
    expect(changes[0]?.effect).toMatchObject({
      content: { region: 'eu', orderId: 7 },
      unavailable: ['payee.name'],
    });
  });

  it('takes what an update left out from a full before image, and nothing from an image of the key', () => {
    const after = { ...order, payee: UNAVAILABLE };
    const full = interpret({ op: 'update', before: { ...order, payee: 'Bob' }, after });
    expect(full.changes[0]?.effect).toMatchObject({ content: { 'payee.name': 'Bob' }, unavailable: [] });
    for (const before of [{ ...order, payee: null }, { ...order, payee: UNAVAILABLE }, { order_id: 7 }]) {
      const { changes } = interpret({ op: 'update', before, after });
      expect(changes[0]?.effect).toMatchObject({ unavailable: ['payee.name'] });
    }
  });

  it('calls a read a snapshot row, whose position may be unknown', () => {
    const { changes } = interpret({ op: 'read', position: null, after: order });
    expect(changes[0]?.evidence).toMatchObject({ kind: 'snapshot', position: null });
  });

  it('places a child in its parent; the parent key is no unknown column', () => {
    const { changes, unknownColumns } = interpret({ table: 's.line', after: line });
    expect(unknownColumns).toEqual([]);
    expect(changes).toEqual([
      expect.objectContaining({
        key: ['eu', 7],
        embed: { path: 'lines', childKey: [3] },
        effect: { kind: 'upsert', content: { lineId: 3, text: 'x' }, unavailable: [], unmapped: {} },
      }),
    ]);
  });

  it.each([
    ['another parent', { ...line, line_order: 6 }, ['eu', 6], 3],
    ['another key', { ...line, line_id: 2 }, ['eu', 7], 2],
  ])('takes a child that had %s away from there', (_what, before, key, old) => {
    const { changes } = interpret({ table: 's.line', before, after: line });
    expect(changes).toHaveLength(2);
    expect(changes[0]).toMatchObject({
      key,
      embed: { path: 'lines', childKey: [old] },
      effect: { kind: 'delete', content: { lineId: old } },
    });
    expect(changes[0]?.evidence).toEqual(changes[1]?.evidence);
  });

  it.each([
    ['has not moved', { ...line, text: 'old' }],
    [
      'has a before image without its keys',
      { line_region: null, line_order: null, line_id: null, text: 'old' },
    ],
  ])('changes one place when a child %s', (_what, before) => {
    expect(interpret({ table: 's.line', before, after: line }).changes).toHaveLength(1);
  });

  it('finds a deleted row by its key where the before image has no values', () => {
    const { changes } = interpret({
      op: 'delete',
      key: { region: 'eu', order_id: 7 },
      before: { region: null, order_id: 0, payee: null },
    });
    expect(changes).toEqual([
      expect.objectContaining({
        key: ['eu', 7],
        effect: { kind: 'delete', content: { region: 'eu', orderId: 7 }, tiesWin: false },
      }),
    ]);
  });

  it('finds a deleted row by its before image where the record has no key', () => {
    expect(interpret({ op: 'delete', before: order }).changes[0]?.key).toEqual(['eu', 7]);
  });

  it.each<[string, EventGiven]>([
    ['is made', { op: 'create', after: { ...line, line_order: null } }],
    [
      'is changed',
      { before: { ...line, line_order: null }, after: { ...line, line_order: null, text: 'y' } },
    ],
    ['is read', { op: 'read', after: { ...line, line_region: null } }],
    ['is deleted', { op: 'delete', key: { line_id: 3 }, before: { ...line, line_order: null } }],
  ])('passes over a child without a parent when it %s', (_what, given) => {
    expect(interpret({ table: 's.line', ...given })).toEqual({ changes: [], unknownColumns: [] });
  });

  it('takes a child that lost its parent out of its document, and puts one that found a parent into it', () => {
    const orphan = { ...line, line_order: null };
    expect(interpret({ table: 's.line', before: line, after: orphan }).changes).toMatchObject([
      { key: ['eu', 7], embed: { path: 'lines', childKey: [3] }, effect: { kind: 'delete' } },
    ]);
    expect(interpret({ table: 's.line', before: orphan, after: line }).changes).toMatchObject([
      { key: ['eu', 7], embed: { path: 'lines', childKey: [3] }, effect: { kind: 'upsert' } },
    ]);
  });

  it('leaves the old parent with the version of the state there, which a trigger raises only afterwards', () => {
    const before = { ...line, rv: 4n };
    const moved = interpret({ table: 's.line', before, after: { ...before, line_order: 8 } }, versioned);
    expect(moved.changes).toMatchObject([
      { key: ['eu', 7], evidence: { position: 4n }, effect: { kind: 'delete', tiesWin: true } },
      { key: ['eu', 8], evidence: { position: 4n }, effect: { kind: 'upsert' } },
    ]);
  });

  it('finds the parent of a deleted child by the before image', () => {
    const { changes } = interpret({ table: 's.line', op: 'delete', key: { line_id: 3 }, before: line });
    expect(changes[0]).toMatchObject({ key: ['eu', 7], embed: { childKey: [3] } });
  });
});

describe('interpretEvent by a version column', () => {
  const row = { ...order, rv: '41' };

  it('takes the position from the column', () => {
    expect(interpret({ after: row }, versioned).changes[0]?.evidence).toMatchObject({ position: 41n });
  });
  it('lets a delete of that version win the tie', () => {
    const { changes } = interpret(
      { op: 'delete', key: { region: 'eu', order_id: 7 }, before: row },
      versioned,
    );
    expect(changes[0]).toMatchObject({
      evidence: { position: 41n },
      effect: { kind: 'delete', tiesWin: true },
    });
  });
  it('puts a row whose version is not set yet below every state that has one', () => {
    const { changes } = interpret({ op: 'create', after: { ...row, rv: null } }, versioned);
    expect(changes[0]?.evidence).toMatchObject({ position: 0n });
  });
  it('orders a child without the column by the log', () => {
    expect(interpret({ table: 's.line', after: line }, versioned).changes[0]?.evidence).toMatchObject({
      position: 100n,
    });
  });
  it('orders a child with the column by it, mapped or not', () => {
    const { changes } = interpret({ table: 's.line', after: { ...line, rv: '5' } }, versioned);
    expect(changes[0]?.evidence).toMatchObject({ position: 5n });
  });
});

interface Refusal {
  readonly what: string;
  readonly given: EventGiven;
  readonly by?: Plan;
  readonly code: string;
  readonly says: RegExp;
}

const refusals: readonly Refusal[] = [
  {
    what: 'a foreign table',
    given: { table: 's.other', after: order },
    code: 'event_unsupported',
    says: /s\.other is no part of unit orders/,
  },
  { what: 'a truncate', given: { op: 'truncate' }, code: 'table_truncated', says: /s\.order was truncated/ },
  {
    what: 'an update without an after image',
    given: {},
    code: 'event_unsupported',
    says: /update of s\.order without an after image/,
  },
  {
    what: 'a delete of nothing',
    given: { op: 'delete' },
    code: 'event_unsupported',
    says: /without key and before image/,
  },
  {
    what: 'a streamed event without a position',
    given: { position: null, after: order },
    code: 'event_unsupported',
    says: /update of s\.order without a position/,
  },
  {
    what: 'a mapped column that is not there',
    given: { after: { region: 'eu', order_id: 7 } },
    code: 'event_unsupported',
    says: /column payee of s\.order is mapped but missing/,
  },
  {
    what: 'a key that is null',
    given: { after: { ...order, order_id: null } },
    code: 'event_unsupported',
    says: /key column order_id/,
  },
  {
    what: 'a key that was left out',
    given: { after: { ...order, region: UNAVAILABLE } },
    code: 'event_unsupported',
    says: /key column region/,
  },
  {
    what: 'a child whose parent is not in the event',
    given: { table: 's.line', after: { line_region: 'eu', line_id: 3, text: 'x' } },
    code: 'event_unsupported',
    says: /column line_order of s.line is mapped but missing/,
  },
  {
    what: 'a deleted child whose parent nobody names',
    given: { table: 's.line', op: 'delete', key: { line_id: 3 } },
    code: 'event_unsupported',
    says: /column line_region of s\.line/,
  },
  {
    what: 'a value that cannot be held, by column',
    given: { after: { ...order, payee: 'bad' } },
    code: 'value_invalid',
    says: /column payee of s\.order: "bad"/,
  },
  {
    what: 'a delete without its version (null in the image)',
    given: { op: 'delete', key: { region: 'eu', order_id: 7 }, before: { ...order, rv: null } },
    by: versioned,
    code: 'event_unsupported',
    says: /delete of s\.order without a value of the version column rv/,
  },
  {
    what: "a delete without its version (the type's default in the image)",
    given: { op: 'delete', key: { region: 'eu', order_id: 7 }, before: { ...order, rv: 0n } },
    by: versioned,
    code: 'event_unsupported',
    says: /delete of s\.order without a value of the version column rv/,
  },
  {
    what: 'a delete without its version (no image)',
    given: { op: 'delete', key: { region: 'eu', order_id: 7 } },
    by: versioned,
    code: 'event_unsupported',
    says: /must send full before images/,
  },
];

describe('interpretEvent refuses', () => {
  it.each(refusals)('$what', ({ given, by, code, says }) => {
    expect(() => interpret(given, by)).toThrow(says);
    expect(() => interpret(given, by)).toThrow(expect.objectContaining({ code, retryable: false }));
  });

  it('a bug of the decoder is not dressed up as a fault of the event', () => {
    const broken: ValueDecoder = () => {
      throw new TypeError('oops');
    };
    expect(() => interpretEvent(plan, anEvent({ after: order }), 1, broken)).toThrow(TypeError);
  });
});
