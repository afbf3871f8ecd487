import { describe, expect, it } from 'vitest';
import { AN_ORDER } from '#testing/an-order';
import { ordersPlan } from '#testing/orders-plan';
import { aRow, storedOf } from '#testing/stored-documents';
import type { StoredDocument, StoredRow } from './apply.ts';
import { sweepDoubts, truncationDoubts } from './mend.ts';
import type { RowVersion } from './version.ts';

const END = 2n ** 53n + 1n;
const ENDS = new Map([
  [0, END],
  [1, 0n],
]);

function version(log: { partition: number; offset: bigint } | null): RowVersion {
  return {
    ...{ epoch: 2, streamed: null, written: null, snapshot: null, counter: null },
    log: log === null ? null : { incarnation: 1, ...log },
  };
}

/** The order, with its root and its first line as they are given. */
function order(root: Partial<StoredRow>, line: Partial<StoredRow> = {}): StoredDocument {
  const stored = storedOf(ordersPlan, AN_ORDER);
  const content = stored.root?.content ?? {};
  const [[text = '', first] = []] = Object.entries(stored.embeds.lines ?? {});
  const lines = { [text]: aRow(first?.content ?? {}, line) };
  return { ...stored, root: aRow(content, root), embeds: { ...stored.embeds, lines } };
}

const doubted = (stored: StoredDocument, table: string): number =>
  sweepDoubts(ordersPlan, stored, table, { ends: ENDS, epoch: 2 }).length;

interface Case {
  readonly what: string;
  readonly row: Partial<StoredRow>;
  readonly isDoubted: boolean;
}

const cases: readonly Case[] = [
  {
    what: 'last brought before',
    row: { version: version({ partition: 0, offset: END - 1n }) },
    isDoubted: true,
  },
  { what: 'read again', row: { version: version({ partition: 0, offset: END }) }, isDoubted: false },
  {
    what: 'brought into a partition that was empty',
    row: { version: version({ partition: 1, offset: 0n }) },
    isDoubted: false,
  },
  {
    what: 'of a partition that nobody knew',
    row: { version: version({ partition: 2, offset: 9n }) },
    isDoubted: true,
  },
  { what: 'brought by no record', row: { version: version(null) }, isDoubted: true },
  {
    what: 'brought in an epoch before, whatever its offset',
    row: { version: { ...version({ partition: 0, offset: END + 9n }), epoch: 1 } },
    isDoubted: true,
  },
  { what: 'without a version', row: { version: null }, isDoubted: true },
  {
    what: 'deleted before',
    row: { live: false, version: version({ partition: 0, offset: 0n }) },
    isDoubted: false,
  },
];

describe('after a lost place in the log, a row', () => {
  it.each(cases)('$what: doubted $isDoubted', ({ row, isDoubted }) => {
    const sound = { version: version({ partition: 0, offset: END }) };
    expect(doubted(order(row, sound), ordersPlan.root.table)).toBe(isDoubted ? 1 : 0);
    const lines = ordersPlan.embeds.find(({ path }) => path === 'lines')?.table ?? '';
    expect(doubted(order(sound, row), lines)).toBe(isDoubted ? 1 : 0);
  });

  it('is told by its own key, and the rows of other tables are left alone', () => {
    const old = { version: version({ partition: 0, offset: 0n }) };
    const [root, ...others] = sweepDoubts(ordersPlan, order(old, old), ordersPlan.root.table, {
      ends: ENDS,
      epoch: 7,
    });
    expect(others).toEqual([]);
    expect(root).toMatchObject({
      embed: null,
      evidence: { kind: 'fresh', epoch: 7 },
      effect: { kind: 'unknown', content: { region: AN_ORDER.root.region, number: AN_ORDER.root.number } },
    });
  });

  it('is left alone by one that goes by an epoch before', () => {
    const { table } = ordersPlan.root;
    const stored = order({ version: version({ partition: 0, offset: 0n }) });
    expect(sweepDoubts(ordersPlan, stored, table, { ends: ENDS, epoch: 1 })).toEqual([]);
  });

  it('may be missing with all its document', () => {
    const children = { ...order({}), root: null };
    expect(doubted(children, ordersPlan.root.table)).toBe(0);
  });
});

describe('a truncate', () => {
  it.each([
    ['a change of before', 2, 4n, 1],
    ['a change of after', 2, 6n, 0],
    ['a change of an epoch before, whatever its position', 1, 6n, 1],
  ])('concerns a row with %s', (_what, epoch, streamed, doubts) => {
    const stored = order({ version: { ...version({ partition: 0, offset: 1n }), epoch, streamed } });
    const at = { position: 5n, epoch: 2 };
    expect(truncationDoubts(ordersPlan, stored, ordersPlan.root.table, at)).toHaveLength(doubts);
  });
});
