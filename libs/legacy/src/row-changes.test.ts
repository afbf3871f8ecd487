import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Content } from '#core/field-type';
import type { Embed } from '#core/plan';
import { field, ordersPlan } from '#testing/orders-plan';
import { changesOf, childChanges } from './row-changes.ts';

const [embed] = ordersPlan.embeds as readonly [Embed];
const settable = {
  fields: embed.fields.filter((field) => ['article', 'price'].includes(field.path)),
  hasDefault: () => false,
};

const rows: fc.Arbitrary<readonly Content[]> = fc.uniqueArray(
  fc.record({
    lineNo: fc.integer({ min: 0, max: 8 }),
    article: fc.constantFrom('nut', 'bolt'),
    price: fc.constantFrom(null, '1.00', '2.00'),
  }),
  { selector: (row) => row.lineNo, maxLength: 8 },
);

test('carried out, the changes make the rows what they shall be, and touch none that is so already', () => {
  fc.assert(
    fc.property(rows, rows, (before, after) => {
      const { inserted, updated, deleted } = childChanges(embed, settable, before, after);
      const table = new Map(before.map((row) => [row.lineNo, row]));
      for (const [key] of deleted) expect(table.delete(key as number)).toBe(true);
      for (const { key, changes } of updated) {
        const old = table.get(key[0] as number) ?? {};
        expect(changes.size).toBeGreaterThan(0);
        for (const [field, value] of changes) expect(value).not.toBe(old[field.path]);
        const set = Object.fromEntries([...changes].map(([field, value]) => [field.path, value ?? null]));
        table.set(key[0] as number, { ...old, ...set } as Content & { lineNo: number });
      }
      for (const row of inserted) {
        expect(table.has(row.lineNo as number)).toBe(false);
        table.set(row.lineNo as number, row);
      }
      const order = (a: Content, b: Content): number => Number(a.lineNo) - Number(b.lineNo);
      expect([...table.values()].sort(order)).toEqual([...after].sort(order));
    }),
  );
});

test('a row without a key is a new one each time', () => {
  const { inserted, deleted } = childChanges(
    embed,
    settable,
    [{ lineNo: 1 }],
    [{ lineNo: null }, { article: 'x' }],
  );
  expect(inserted).toHaveLength(2);
  expect(deleted).toEqual([[1]]);
});

test.each([
  { known: null, wanted: null, change: 'none' },
  { known: null, wanted: undefined, change: 'default' },
  { known: 'x', wanted: undefined, change: 'default' },
  { known: 'x', wanted: 'x', change: 'none' },
  { known: undefined, wanted: null, change: 'null' },
  { known: undefined, wanted: undefined, change: 'default' },
])('$known, replaced with $wanted, in a column with a default: $change', ({ known, wanted, change }) => {
  const [article] = settable.fields;
  const content = (value: string | null | undefined): Content =>
    value === undefined ? {} : { article: value };
  const one = { fields: settable.fields.filter((field) => field === article), hasDefault: () => true };
  const changes = changesOf(one, content(known), content(wanted), 'default');
  const found = [...changes.values()].map((value) => (value === undefined ? 'default' : String(value)));
  expect(found[0] ?? 'none').toBe(change);
});

test('an array of the same elements is no change', () => {
  const tags = field('tags', { kind: 'array', of: { kind: 'int' } });
  const own = { fields: [tags], hasDefault: () => false };
  const changed = (before: Content, after: Content) => [...changesOf(own, before, after, 'kept').values()];
  expect(changed({ tags: [1, null] }, { tags: [1, null] })).toEqual([]);
  expect(changed({ tags: [1, null] }, { tags: [null, 1] })).toEqual([[null, 1]]);
  expect(changed({ tags: [] }, { tags: null })).toEqual([null]);
});
