import { describe, expect, it } from 'vitest';
import { parsePlans } from './plan-file.ts';

/** Line numbers in the cases below are lines of this text. */
const GOOD = `unit: orders
owner: team
mode: RW
legacy:
  system: shop
  table: public.order
  key: [order_id]
  version: lsn
topic: shop.public.order
collection: orders
fields:
  orderId: { column: order_id, type: long, required: true }
  amount: { column: amount, type: decimal, precision: 12, scale: 2 }
  payee.name: { column: payee, type: string, length: 40, trim: true }
  bookedAt: { column: booked_at, type: timestamp, precision: 3 }
ignore: [internal]
embed:
  lines:
    table: public.order_line
    parentKey: [order_id]
    key: [line_no]
    fields:
      lineNo: { column: line_no, type: int }
reconcile: { schedule: "0 3 * * *", maxRowsPerSecond: 2000 }
levels: { lag: 1500ms, driftPpm: 2, verified: 2d }
`;

function parse(text: string) {
  return parsePlans([{ file: 'orders.yaml', text }]);
}

describe('a plan without faults', () => {
  it('is read whole, with defaults', () => {
    const { plans, faults } = parse(GOOD);
    expect(faults).toEqual([]);
    expect(plans).toEqual([
      {
        unit: 'orders',
        owner: 'team',
        description: '',
        mode: 'RW',
        system: 'shop',
        version: { kind: 'lsn' },
        topic: 'shop.public.order',
        collection: 'orders',
        root: {
          table: 'public.order',
          key: ['order_id'],
          ignore: ['internal'],
          fields: [
            field('orderId', 'order_id', { kind: 'long' }, true),
            field('amount', 'amount', { kind: 'decimal', precision: 12, scale: 2 }),
            field('payee.name', 'payee', { kind: 'string', trim: true, length: 40 }),
            field('bookedAt', 'booked_at', { kind: 'timestamp', precision: 3 }),
          ],
        },
        embeds: [
          {
            path: 'lines',
            table: 'public.order_line',
            topic: 'shop.public.order_line',
            parentKey: ['order_id'],
            key: ['line_no'],
            cardinality: 'many',
            ignore: [],
            fields: [field('lineNo', 'line_no', { kind: 'int' })],
          },
        ],
        reconcile: { schedule: '0 3 * * *', maxRowsPerSecond: 2_000, repair: 'log-only', allowEmpty: false },
        levels: { lagMs: 1_500, driftPpm: 2, verifiedMs: 172_800_000 },
      },
    ]);
  });

  it('takes a version column out of the hands of clients', () => {
    const { plans, faults } = parse(changed('version: lsn', 'version: { column: order_id }'));
    expect(faults).toEqual([]);
    expect(plans[0]?.version).toEqual({ kind: 'column', column: 'order_id' });
    expect(plans[0]?.root.fields.map(({ readOnly }) => readOnly)).toEqual([true, false, false, false]);
  });

  it.each([
    ['1ms', 1],
    ['90s', 90_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parse(changed('lag: 1500ms', `lag: ${text}`)).plans[0]?.levels.lagMs).toBe(ms);
  });

  it('takes an empty section for none', () => {
    const { plans, faults } = parse(`${GOOD.split('embed:')[0]}embed:\nlevels:\n`);
    expect(faults).toEqual([]);
    expect(plans[0]).toMatchObject({
      embeds: [],
      levels: { lagMs: 5_000, driftPpm: 0, verifiedMs: 86_400_000 },
    });
  });
});

interface Case {
  readonly what: string;
  readonly change: readonly [from: string, to: string];
  /** `line pointer value message` of each fault. */
  readonly faults: readonly (readonly [number, string, string, RegExp])[];
}

const cases: readonly Case[] = [
  {
    what: 'a unit with capitals',
    change: ['unit: orders', 'unit: Orders'],
    faults: [[1, '/unit', '"Orders"', /lower-case letters/]],
  },
  { what: 'no owner', change: ['owner: team\n', ''], faults: [[1, '/owner', '(missing)', /must be given/]] },
  {
    what: 'an empty owner',
    change: ['owner: team', 'owner: ""'],
    faults: [[2, '/owner', '""', /must not be empty/]],
  },
  {
    what: 'an owner that is a number',
    change: ['owner: team', 'owner: 7'],
    faults: [[2, '/owner', '7', /must be a string/]],
  },
  {
    what: 'an unknown mode',
    change: ['mode: RW', 'mode: WR'],
    faults: [[3, '/mode', '"WR"', /legal are "R"\|"RW"\|"W"/]],
  },
  {
    what: 'an unknown member',
    change: ['mode: RW', 'mode: RW\nphase: offload'],
    faults: [[4, '/phase', '"offload"', /unknown member; legal are unit, owner/]],
  },
  {
    what: 'an unknown member of legacy',
    change: ['version: lsn', 'version: lsn\n  schema: x'],
    faults: [[9, '/legacy/schema', '"x"', /unknown member; legal are system/]],
  },
  {
    what: 'a legacy that is no mapping',
    change: [GOOD.slice(GOOD.indexOf('legacy:'), GOOD.indexOf('topic:')), 'legacy: shop\n'],
    faults: [
      [4, '/legacy', '"shop"', /must be a mapping/],
      [4, '/legacy/system', '(missing)', /must be given/],
      [4, '/legacy/table', '(missing)', /must be given/],
      [4, '/legacy/key', '(missing)', /must be given/],
      [4, '/legacy/version', '(missing)', /must be lsn or \{ column: NAME \}/],
    ],
  },
  {
    what: 'a table without its schema',
    change: ['table: public.order\n', 'table: order\n'],
    faults: [[6, '/legacy/table', '"order"', /must be schema\.table/]],
  },
  {
    what: 'an empty key',
    change: ['key: [order_id]\n  version', 'key: []\n  version'],
    faults: [[7, '/legacy/key', '[]', /at least one column/]],
  },
  {
    what: 'a key column that is not mapped',
    change: ['key: [order_id]\n  version', 'key: [id]\n  version'],
    faults: [[7, '/legacy/key/0', '"id"', /key column id must be mapped/]],
  },
  {
    what: 'a key column twice',
    change: ['key: [order_id]\n  version', 'key: [order_id, order_id]\n  version'],
    faults: [
      [7, '/legacy/key/1', '"order_id"', /named twice/],
      [20, '/embed/lines/parentKey', '["order_id"]', /must name 2 column/],
    ],
  },
  {
    what: 'a key of a type that cannot be one',
    change: ['type: long', 'type: double'],
    faults: [[7, '/legacy/key/0', '"order_id"', /type double cannot be part of a key/]],
  },
  {
    what: 'no version',
    change: ['version: lsn', 'version: none'],
    faults: [[8, '/legacy/version', '"none"', /not built yet/]],
  },
  {
    what: 'an unknown version',
    change: ['version: lsn', 'version: scn'],
    faults: [[8, '/legacy/version', '"scn"', /must be lsn or/]],
  },
  {
    what: 'a version column that is not mapped',
    change: ['version: lsn', 'version: { column: rv }'],
    faults: [[8, '/legacy/version/column', '"rv"', /must be mapped by a field of type long/]],
  },
  {
    what: 'a version column of another type',
    change: ['version: lsn', 'version: { column: amount }'],
    faults: [[8, '/legacy/version/column', '"amount"', /is mapped as decimal; it must be long/]],
  },
  {
    what: 'a topic of another table',
    change: ['topic: shop.public.order\n', 'topic: shop.public.orders\n'],
    faults: [[9, '/topic', '"shop.public.orders"', /must be PREFIX\.public\.order/]],
  },
  {
    what: 'a topic that Kafka refuses',
    change: ['topic: shop.public.order\n', 'topic: shop/public.order\n'],
    faults: [[9, '/topic', '"shop/public.order"', /Kafka topic name/]],
  },
  {
    what: "a collection of MongoDB's own",
    change: ['collection: orders', 'collection: system.x'],
    faults: [[10, '/collection', '"system.x"', /must not begin with system/]],
  },
  {
    what: 'no fields',
    change: [GOOD.slice(GOOD.indexOf('  orderId'), GOOD.indexOf('ignore:')), ''],
    faults: [
      [7, '/legacy/key/0', '"order_id"', /must be mapped/],
      [11, '/fields', 'null', /at least one field/],
    ],
  },
  {
    what: 'a field path with a dash',
    change: ['  amount:', '  the-amount:'],
    faults: [[13, '/fields/the-amount', expect.anything(), /letters, digits and underscores/]],
  },
  {
    what: "a field named as every object's own member",
    change: ['  amount:', '  constructor:'],
    faults: [[13, '/fields/constructor', expect.anything(), /reserved/]],
  },
  {
    what: 'a field of an unknown type',
    change: ['type: decimal, precision: 12, scale: 2', 'type: money'],
    faults: [[13, '/fields/amount/type', '"money"', /legal are "boolean"/]],
  },
  {
    what: 'a field without a column',
    change: ['column: amount, ', ''],
    faults: [[13, '/fields/amount/column', '(missing)', /must be given/]],
  },
  {
    what: 'an option of another type',
    change: ['scale: 2', 'scale: 2, trim: true'],
    faults: [[13, '/fields/amount/trim', 'true', /does not go with type decimal; it goes with string/]],
  },
  {
    what: 'an unknown option',
    change: ['scale: 2', 'scale: 2, size: 3'],
    faults: [[13, '/fields/amount/size', '3', /unknown member; legal are column/]],
  },
  {
    what: 'a scale over the precision',
    change: ['scale: 2', 'scale: 13'],
    faults: [[13, '/fields/amount/scale', '13', /greater than the precision, 12/]],
  },
  {
    what: 'more digits than MongoDB holds',
    change: ['precision: 12', 'precision: 35'],
    faults: [[13, '/fields/amount/precision', '35', /at most 34/]],
  },
  {
    what: 'a scale alone',
    change: ['precision: 12, ', ''],
    faults: [[13, '/fields/amount/scale', '2', /needs a precision/]],
  },
  {
    what: 'nanoseconds',
    change: ['precision: 3', 'precision: 9'],
    faults: [[15, '/fields/bookedAt/precision', '9', /at most 6/]],
  },
  {
    what: 'a flag that is a text',
    change: ['required: true', 'required: "yes"'],
    faults: [[12, '/fields/orderId/required', '"yes"', /must be a boolean/]],
  },
  {
    what: 'protection',
    change: ['trim: true', 'trim: true, protect: hmac'],
    faults: [[14, '/fields/payee.name/protect', '"hmac"', /not built yet/]],
  },
  {
    what: 'a column mapped twice',
    change: ['column: payee', 'column: amount'],
    faults: [[14, '/fields/payee.name/column', '"amount"', /mapped by amount already/]],
  },
  {
    what: 'a field inside of another',
    change: ['  payee.name:', '  amount.name:'],
    faults: [[14, '/fields/amount.name', expect.anything(), /cannot hold both a value and the member/]],
  },
  {
    what: 'an ignored column that is mapped',
    change: ['ignore: [internal]', 'ignore: [amount]'],
    faults: [[16, '/ignore/0', '"amount"', /mapped by amount, so it cannot be ignored/]],
  },
  {
    what: 'an ignore that is a text',
    change: ['ignore: [internal]', 'ignore: internal'],
    faults: [[16, '/ignore', '"internal"', /must be a/]],
  },
  {
    what: 'embed as a list',
    change: [GOOD.slice(GOOD.indexOf('embed:'), GOOD.indexOf('reconcile:')), 'embed: [lines]\n'],
    faults: [[17, '/embed', '["lines"]', /must be a mapping/]],
  },
  {
    what: 'an embed of the name of a field',
    change: ['  lines:', '  payee:'],
    faults: [[19, '/embed/payee', expect.anything(), /a field has this name already/]],
  },
  {
    what: 'an embedded table of its own parent',
    change: ['table: public.order_line', 'table: public.order'],
    faults: [[19, '/embed/lines/table', '"public.order"', /taken already in orders\.yaml/]],
  },
  {
    what: 'a parent key of other length',
    change: ['parentKey: [order_id]', 'parentKey: [a, b]'],
    faults: [[20, '/embed/lines/parentKey', '["a","b"]', /must name 1 column.*order_id/]],
  },
  {
    what: 'a child key that is the parent key',
    change: ['key: [line_no]', 'key: [order_id]'],
    faults: [[21, '/embed/lines/key/0', '"order_id"', /part of parentKey already/]],
  },
  {
    what: 'an unknown cardinality',
    change: ['key: [line_no]', 'key: [line_no]\n    cardinality: two'],
    faults: [[22, '/embed/lines/cardinality', '"two"', /legal are "many"\|"one"/]],
  },
  {
    what: 'a schedule that is none',
    change: ['"0 3 * * *"', '"daily"'],
    faults: [[24, '/reconcile/schedule', '"daily"', /cron expression of five fields/]],
  },
  {
    what: 'a rate of nothing',
    change: ['maxRowsPerSecond: 2000', 'maxRowsPerSecond: 0'],
    faults: [[24, '/reconcile/maxRowsPerSecond', '0', /at least 1/]],
  },
  {
    what: 'a repair that is not built',
    change: ['maxRowsPerSecond: 2000', 'repair: repair'],
    faults: [[24, '/reconcile/repair', '"repair"', /not built yet/]],
  },
  {
    what: 'reconcile as a text',
    change: ['{ schedule: "0 3 * * *", maxRowsPerSecond: 2000 }', 'nightly'],
    faults: [[24, '/reconcile', '"nightly"', /must be a mapping/]],
  },
  {
    what: 'a lag without a unit',
    change: ['lag: 1500ms', 'lag: 5'],
    faults: [[25, '/levels/lag', '5', /must be a string/]],
  },
  {
    what: 'a lag of another unit',
    change: ['lag: 1500ms', 'lag: 5 seconds'],
    faults: [[25, '/levels/lag', '"5 seconds"', /ms, s, m, h or d/]],
  },
  {
    what: 'a negative drift',
    change: ['driftPpm: 2', 'driftPpm: -1'],
    faults: [[25, '/levels/driftPpm', '-1', /must not be negative/]],
  },
  {
    what: 'a lease',
    change: ['levels:', 'emergency: lease\nlevels:'],
    faults: [[25, '/emergency', '"lease"', /not built yet; legal is none/]],
  },
];

describe('a faulty plan', () => {
  it.each(cases)('$what', ({ change, faults: expected }) => {
    const { plans, faults } = parse(changed(...change));
    expect(plans).toEqual([]);
    expect(faults).toEqual(
      expected.map(([line, pointer, value, message]) => ({
        file: 'orders.yaml',
        line,
        pointer,
        value,
        message: expect.stringMatching(message),
      })),
    );
  });

  it('names ten faults of one file at once, by line', () => {
    const changes: readonly (readonly [string, string])[] = [
      ['unit: orders', 'unit: Orders'],
      ['mode: RW', 'mode: X'],
      ['table: public.order\n', 'table: order\n'],
      ['version: lsn', 'version: scn'],
      ['type: decimal', 'type: money'],
      ['length: 40', 'length: 0'],
      ['precision: 3', 'precision: 7'],
      ['type: int', 'type: json'],
      ['maxRowsPerSecond: 2000', 'maxRowsPerSecond: 0.5'],
      ['driftPpm: 2', 'driftPpm: many'],
    ];
    const text = changes.reduce((all, [from, to]) => all.replace(from, to), GOOD);
    const { faults } = parse(text);
    expect(faults.map(({ pointer }) => pointer)).toEqual([
      '/unit',
      '/mode',
      '/legacy/table',
      '/legacy/version',
      '/fields/amount/type',
      '/fields/payee.name/length',
      '/fields/bookedAt/precision',
      '/embed/lines/key/0',
      '/reconcile/maxRowsPerSecond',
      '/levels/driftPpm',
    ]);
  });
});

describe('files that are no plan', () => {
  it.each([
    ['nothing', '', 1, /must be a mapping with the members unit/],
    ['a list', '- unit: a\n', 1, /must be a mapping/],
    ['a text', 'hello', 1, /must be a mapping/],
    ['an alias to nothing', 'unit: *gone\n', 1, /gone/],
  ])('%s', (_what, text, line, message) => {
    const { plans, faults } = parse(text);
    expect(plans).toEqual([]);
    expect(faults[0]).toMatchObject({ file: 'orders.yaml', line, message: expect.stringMatching(message) });
  });

  it('reports broken YAML with its line', () => {
    const { faults, plans } = parse(changed('  system: shop', '  system: [shop'));
    expect(plans).toEqual([]);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.map(({ line }) => line)).toEqual(expect.arrayContaining([6]));
  });

  it('reports a member that stands twice', () => {
    const { faults, plans } = parse(changed('owner: team', 'owner: team\nowner: other'));
    expect(plans).toEqual([]);
    expect(faults).toEqual([expect.objectContaining({ line: 3, message: expect.stringMatching(/unique/) })]);
  });

  it('survives aliases that multiply', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'
        .split('')
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`).join(',')}]`),
    ].join('\n');
    expect(parse(bomb).faults.length).toBeGreaterThan(0);
  });
});

describe('several files', () => {
  const other = (text: string) =>
    parsePlans([
      { file: 'a.yaml', text: GOOD },
      { file: 'b.yaml', text },
    ]);

  it('have their faults together, by file and line, and the good one is read', () => {
    const text = changed('unit: orders', 'unit: Bad').replace('mode: RW', 'mode: X');
    const { plans, faults } = other(text);
    expect(plans.map(({ unit }) => unit)).toEqual(['orders']);
    expect(faults.map(({ file, pointer }) => `${file} ${pointer}`)).toEqual(['b.yaml /unit', 'b.yaml /mode']);
  });

  it('must not share a unit, a collection or a table', () => {
    const { faults } = other(GOOD);
    expect(faults.map(({ file, line, pointer, message }) => `${file}:${line} ${pointer} ${message}`)).toEqual(
      [
        'b.yaml:1 /unit unit orders is taken already in a.yaml',
        'b.yaml:6 /legacy/table table public.order is taken already in a.yaml',
        'b.yaml:10 /collection collection orders is taken already in a.yaml',
        'b.yaml:19 /embed/lines/table table public.order_line is taken already in a.yaml',
      ],
    );
  });

  it('may have the same tables in another system', () => {
    const text = changed('unit: orders', 'unit: others')
      .replace('system: shop', 'system: plant')
      .replace('collection: orders', 'collection: others');
    expect(other(text).faults).toEqual([]);
  });
});

describe('against the legacy systems', () => {
  const against = (text: string, systems: Readonly<Record<string, { kind: string }>>) =>
    parsePlans([{ file: 'orders.yaml', text }], systems).faults.map(
      ({ line, pointer, message }) => `${line} ${pointer} ${message}`,
    );

  it('names a system that there is not, and the ones that there are', () => {
    expect(against(GOOD, { shop: { kind: 'postgres' } })).toEqual([]);
    expect(against(GOOD, { billing: { kind: 'postgres' }, plant: { kind: 'db2' } })).toEqual([
      '5 /legacy/system no such system; systems.yaml names billing, plant',
    ]);
    expect(against(GOOD, {})).toEqual(['5 /legacy/system no such system; systems.yaml names none']);
  });

  it('demands a version column of a writable Db2 unit', () => {
    expect(against(GOOD, { shop: { kind: 'db2' } })).toEqual([
      expect.stringMatching(/^8 \/legacy\/version .*writable Db2 unit/),
    ]);
    expect(against(changed('mode: RW', 'mode: R'), { shop: { kind: 'db2' } })).toEqual([]);
  });
});

/** The good plan with one change; a change that changes nothing is a fault of the test. */
function changed(from: string, to: string): string {
  expect(GOOD).toContain(from);
  return GOOD.replace(from, to);
}

function field(path: string, column: string, type: object, required = false): object {
  return { path, segments: path.split('.'), column, type, required, readOnly: false };
}
