import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FicusError } from '#core/errors';
import type { CatalogueColumn, CatalogueTable } from '#core/ports/catalogue';
import { column, draft, table } from '#testing/drafts';
import { parsePlans } from './plan-file.ts';

/** Names that databases allow and plans, YAML or JavaScript take for something else. */
const NAMES = [
  ...['constructor', 'toString', '__proto__', 'true', 'null', 'NaN', '1e3', 'a.b', 'a b', 'A_B', 'ab', 'a-b'],
  ...['"', "'", '#', ': ', '- x', '日本', 'é', '\u2028', '{{x}}', '*a', '&a', '%', 'ID', 'id', 'Id'],
];
const names = fc.oneof(fc.constantFrom(...NAMES), fc.string({ minLength: 1, maxLength: 12 }));
const TYPES = [
  'bigint',
  'integer',
  'text',
  'numeric',
  'boolean',
  'jsonb',
  'bytea',
  'uuid',
  'interval',
  'real',
];

const columns: fc.Arbitrary<readonly CatalogueColumn[]> = fc.uniqueArray(
  fc
    .tuple(
      names,
      fc.constantFrom(...TYPES),
      fc.record({
        nullable: fc.boolean(),
        hasDefault: fc.boolean(),
        generated: fc.constantFrom(null, 'identity', 'expression'),
        inLog: fc.boolean(),
      }),
    )
    .map(([name, type, given]) => column(name, type, given)),
  { selector: ({ name }) => name.toLowerCase(), minLength: 1, maxLength: 8 },
);

const key = column('key', 'bigint', { nullable: false });

/** Some are refused (a name with a dot), and then the reason is told; a draft that comes out is a plan. */
test('whatever is drafted has no fault', () => {
  fc.assert(
    fc.property(names, columns, columns, (name, own, others) => {
      const rest = own.filter((one) => one.name !== 'key');
      const reference = {
        ...{
          table: `s.${name}_lines`,
          columns: ['key'],
          references: `s.${name}`,
          referencedColumns: ['key'],
        },
      };
      const root: CatalogueTable = table(`s.${name}`, [key, ...rest], { referencedBy: [reference] });
      const line = column('line', 'integer', { nullable: false });
      const beside = others.filter((one) => !['key', 'line'].includes(one.name));
      const child = table(`s.${name}_lines`, [key, line, ...beside], { primaryKey: ['key', 'line'] });
      const text = drafted(root, child);
      if (text === null) return;
      const { plans, faults } = parsePlans([{ file: 'draft.yaml', text }]);
      expect(faults).toEqual([]);
      expect(plans[0]?.root.table).toBe(root.table);
    }),
    { numRuns: 500 },
  );
});

/** Null: refused, with a reason. */
function drafted(root: CatalogueTable, child: CatalogueTable): string | null {
  try {
    return draft(root, { children: [child] }).text;
  } catch (error) {
    if (!(error instanceof FicusError)) throw error;
    expect(error.message).toMatch(/dot in its name|the topic of .* would be/s);
    return null;
  }
}

test('an unusable name for a unit is refused with what is legal', () => {
  expect(() => draft(table('s.t', [key]), { unit: 'Foo_Bar' })).toThrow(
    '"Foo_Bar" cannot be a unit\'s name; legal are lower-case letters, digits and hyphens',
  );
});
