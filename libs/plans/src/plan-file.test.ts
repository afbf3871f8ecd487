import { describe, expect, it } from 'vitest';
import { changedOrders, ordersFile } from '#testing/orders-file';
import { parsePlans } from './plan-file.ts';

function parse(text: string) {
  return parsePlans([{ file: 'orders.yaml', text }]);
}

describe('a plan without faults', () => {
  it('is read whole, with defaults', () => {
    const { plans, faults } = parse(ordersFile);
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
        truncate: 'hold',
        reconcile: { schedule: '0 3 * * *', maxRowsPerSecond: 2_000, repair: 'log-only', allowEmpty: false },
        levels: { lagMs: 1_500, driftPpm: 2, verifiedMs: 172_800_000, badShare: 0.5 },
      },
    ]);
  });

  it('takes a version column out of the hands of clients', () => {
    const { plans, faults } = parse(changedOrders('version: lsn', 'version: { column: order_id }'));
    expect(faults).toEqual([]);
    expect(plans[0]?.version).toEqual({ kind: 'column', column: 'order_id' });
    expect(plans[0]?.root.fields.map(({ readOnly }) => readOnly)).toEqual([true, false, false, false]);
  });

  it.each(['decimal, precision: 9, scale: 2', 'decimal, precision: 9'])('has a key of %s', (type) => {
    expect(parse(changedOrders('type: long', `type: ${type}`)).faults).toEqual([]);
  });

  it.each([
    ['1ms', 1],
    ['90s', 90_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parse(changedOrders('lag: 1500ms', `lag: ${text}`)).plans[0]?.levels.lagMs).toBe(ms);
  });

  it('takes an empty section for none', () => {
    const { plans, faults } = parse(`${ordersFile.split('embed:')[0]}embed:\nlevels:\n`);
    expect(faults).toEqual([]);
    expect(plans[0]).toMatchObject({
      embeds: [],
      levels: { lagMs: 5_000, driftPpm: 0, verifiedMs: 86_400_000, badShare: 0.05 },
    });
  });
});

describe('files that are no plan', () => {
  it.each([
    ['nothing', '', 1, /must be a mapping with the members unit/],
    ['a list', '- unit: a\n', 1, /must be a mapping/],
    ['a text', 'hello', 1, /must be a mapping/],
    ['an alias to nothing', 'owner: o\nunit: *gone\n', 2, /no anchor &gone/],
    ['two documents', 'unit: a\n---\nunit: b\n', 2, /one plan a file/],
    ['bytes', 'unit: a\0b\n', 1, /is no text/],
    ['bytes that are no UTF-8', 'unit: \ufffd\n', 1, /is no text/],
  ])('%s', (_what, text, line, says) => {
    const { plans, faults } = parse(text);
    expect(plans).toEqual([]);
    const message = expect.stringMatching(says);
    expect(faults).toContainEqual(expect.objectContaining({ file: 'orders.yaml', line, message }));
  });

  it('reports broken YAML with its line', () => {
    const { faults, plans } = parse(changedOrders('  system: shop', '  system: [shop'));
    expect(plans).toEqual([]);
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.map(({ line }) => line)).toEqual(expect.arrayContaining([6]));
  });

  it('reports a member that stands twice', () => {
    const { faults, plans } = parse(changedOrders('owner: team', 'owner: team\nowner: other'));
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

it('names five thousand faults of one file, each with its line', () => {
  const many = Array.from({ length: 5_000 }, (_, at) => `  f${at}: { column: c${at}, type: money }\n`);
  const { faults } = parse(ordersFile.replace('fields:\n', `fields:\n${many.join('')}`));
  expect(faults.map(({ line, pointer }) => [line, pointer])).toEqual(
    many.map((_, at) => [12 + at, `/fields/f${at}/type`]),
  );
});

describe('several files', () => {
  const other = (text: string) =>
    parsePlans([
      { file: 'a.yaml', text: ordersFile },
      { file: 'b.yaml', text },
    ]);

  it('have their faults together, by file and line, and the good one is read', () => {
    const text = changedOrders('unit: orders', 'unit: Bad').replace('mode: RW', 'mode: X');
    const { plans, faults } = other(text);
    expect(plans.map(({ unit }) => unit)).toEqual(['orders']);
    expect(faults.map(({ file, pointer }) => `${file} ${pointer}`)).toEqual(['b.yaml /unit', 'b.yaml /mode']);
  });

  it('must not share a unit, a collection or a table', () => {
    const { faults } = other(ordersFile);
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
    const text = changedOrders('unit: orders', 'unit: others')
      .replace('system: shop', 'system: plant')
      .replace('collection: orders', 'collection: others');
    expect(other(text).faults).toEqual([]);
  });
});

describe('against the legacy systems', () => {
  const against = (text: string, systems: NonNullable<Parameters<typeof parsePlans>[1]>) =>
    parsePlans([{ file: 'orders.yaml', text }], systems).faults.map(
      ({ line, pointer, message }) => `${line} ${pointer} ${message}`,
    );

  it('names a system that there is not, and the ones that there are', () => {
    expect(against(ordersFile, { shop: { kind: 'postgres' } })).toEqual([]);
    expect(against(ordersFile, { billing: { kind: 'postgres' }, plant: { kind: 'db2' } })).toEqual([
      '5 /legacy/system no such system; systems.yaml names billing, plant',
    ]);
    expect(against(ordersFile, {})).toEqual(['5 /legacy/system no such system; systems.yaml names none']);
  });

  it("take the topics of the system's own prefix only, since its connector writes to no other", () => {
    const of = (topicPrefix: string) => ({ shop: { kind: 'postgres', capture: { topicPrefix } } });
    expect(against(ordersFile, of('shop'))).toEqual([]);
    const says = 'must be works.public.order, by the topicPrefix of shop in systems.yaml';
    expect(against(ordersFile, of('works'))).toEqual([`9 /topic ${says}`]);
  });

  it('demands a version column of a writable Db2 unit', () => {
    expect(against(ordersFile, { shop: { kind: 'db2' } })).toEqual([
      expect.stringMatching(/^8 \/legacy\/version .*writable Db2 unit/),
    ]);
    expect(against(changedOrders('mode: RW', 'mode: R'), { shop: { kind: 'db2' } })).toEqual([]);
  });
});

describe('what is done with records that cannot be applied', () => {
  const faultsOf = (text: string) =>
    parse(text).faults.map(({ pointer, message }) => `${pointer} ${message}`);

  it('is said by a share of them and a word for truncates', () => {
    const { plans } = parse(`${ordersFile}truncate: apply\n`);
    expect(plans[0]).toMatchObject({ truncate: 'apply', levels: { badShare: 0.5 } });
    expect(faultsOf(`${changedOrders('badShare: 0.5', 'badShare: 5')}truncate: maybe\n`)).toEqual([
      expect.stringMatching(/^\/levels\/badShare .*from 0 to 1/),
      expect.stringMatching(/^\/truncate .*hold.*apply/),
    ]);
  });
});

function field(path: string, column: string, type: object, required = false): object {
  return { path, segments: path.split('.'), column, type, required, readOnly: false };
}
