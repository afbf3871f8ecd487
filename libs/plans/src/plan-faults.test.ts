import { describe, expect, it } from 'vitest';
import { changedOrders, ordersFile } from '#testing/orders-file';
import { parsePlans } from './plan-file.ts';

function parse(text: string) {
  return parsePlans([{ file: 'orders.yaml', text }]);
}

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
    change: [ordersFile.slice(ordersFile.indexOf('legacy:'), ordersFile.indexOf('topic:')), 'legacy: shop\n'],
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
    faults: [
      [7, '/legacy/key/0', '"order_id"', /type double cannot be part of a key: .*-0.*; legal are int, /],
    ],
  },
  {
    what: 'a key of a decimal without a scale',
    change: ['type: long', 'type: decimal'],
    faults: [
      [
        7,
        '/legacy/key/0',
        '"order_id"',
        /type decimal without a scale .*: 1 and 1\.00 are one _id .*; legal are/,
      ],
    ],
  },
  {
    what: 'a key of JSON',
    change: ['type: long', 'type: json'],
    faults: [[7, '/legacy/key/0', '"order_id"', /type json cannot be part of a key: equal values/]],
  },
  {
    what: 'a key of bytes',
    change: ['type: long', 'type: bytes'],
    faults: [[7, '/legacy/key/0', '"order_id"', /type bytes cannot be part of a key/]],
  },
  {
    what: 'a child key of a decimal without a scale',
    change: ['type: int }', 'type: decimal }'],
    faults: [[21, '/embed/lines/key/0', '"line_no"', /type decimal without a scale/]],
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
    change: [ordersFile.slice(ordersFile.indexOf('  orderId'), ordersFile.indexOf('ignore:')), ''],
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
    faults: [[13, '/fields/amount/type', '"money"', /legal are "array"/]],
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
    change: [
      ordersFile.slice(ordersFile.indexOf('embed:'), ordersFile.indexOf('reconcile:')),
      'embed: [lines]\n',
    ],
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
    what: 'a schedule of a day that no month has',
    change: ['"0 3 * * *"', '"0 25 31 2 *"'],
    faults: [[24, '/reconcile/schedule', '"0 25 31 2 *"', /is no cron expression/]],
  },
  {
    what: 'a schedule of words',
    change: ['"0 3 * * *"', '"a b c d e"'],
    faults: [[24, '/reconcile/schedule', '"a b c d e"', /is no cron expression/]],
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
    faults: [[25, '/levels/driftPpm', '-1', /from 0 to 1000000/]],
  },
  {
    what: 'a drift of more than everything',
    change: ['driftPpm: 2', 'driftPpm: 1000001'],
    faults: [[25, '/levels/driftPpm', '1000001', /from 0 to 1000000/]],
  },
  {
    what: 'a lag that never is',
    change: ['lag: 1500ms', 'lag: 0s'],
    faults: [[25, '/levels/lag', '"0s"', /more than nothing/]],
  },
  {
    what: 'a demanded member that nobody may send',
    change: ['type: long, required: true', 'type: long, required: true, readOnly: true'],
    faults: [[12, '/fields/orderId/required', 'true', /cannot be demanded/]],
  },
  {
    what: 'a column that is ignored twice',
    change: ['[internal]', '[internal, internal]'],
    faults: [[16, '/ignore/1', '"internal"', /named twice/]],
  },
  {
    what: 'a parent key that is named twice',
    change: ['parentKey: [order_id]', 'parentKey: [order_id, order_id]'],
    faults: [
      [20, '/embed/lines/parentKey/1', '"order_id"', /named twice/],
      [20, '/embed/lines/parentKey', '["order_id","order_id"]', /must name 1 column/],
    ],
  },
  {
    what: 'a lease',
    change: ['levels:', 'emergency: lease\nlevels:'],
    faults: [[25, '/emergency', '"lease"', /not built yet; legal is none/]],
  },
];

describe('a faulty plan', () => {
  it.each(cases)('$what', ({ change, faults: expected }) => {
    const { plans, faults } = parse(changedOrders(...change));
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
    const text = changes.reduce((all, [from, to]) => all.replace(from, to), ordersFile);
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
