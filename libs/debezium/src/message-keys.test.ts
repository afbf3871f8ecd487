import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '#core/plan';
import { aPlan } from '#testing/plans';
import { MESSAGE_KEYS, messageKeyFaults, messageKeys, printMessageKeys } from './message-keys.ts';

const root = aPlan().root;
const plan: Plan = {
  ...aPlan(),
  root: { ...root, table: 'public.order', key: ['region', 'no'] },
  embeds: [
    {
      ...{ path: 'lines', table: 'public.line', topic: 't.public.line', cardinality: 'many' },
      ...{ parentKey: ['region', 'order_no'], key: ['line'], fields: [], ignore: ['line', 'note'] },
    },
  ],
};
const columns = ['region', 'no', 'note'];
const known: Plan = { ...plan, root: { ...plan.root, fields: [], ignore: columns } };

describe('messageKeys', () => {
  it('are what the plans tell the rows apart by, of tables without a primary key only', () => {
    expect(messageKeys([plan], [])).toEqual([]);
    expect(messageKeys([plan], ['public.order', 'public.line', 'public.stranger'])).toEqual([
      { table: 'public.line', columns: ['region', 'order_no', 'line'] },
      { table: 'public.order', columns: ['region', 'no'] },
    ]);
  });
});

describe('printMessageKeys', () => {
  it('says nothing where there is nothing to say', () => {
    expect(printMessageKeys([], undefined)).toBeNull();
  });

  it('keeps what it says of other tables, and says each once', () => {
    const known = 'public\\.old:a,b ; public\\.order:id';
    expect(printMessageKeys([{ table: 'public.order', columns: ['region', 'no'] }], known)).toBe(
      'public\\.old:a,b;public\\.order:region,no',
    );
    expect(printMessageKeys([], known)).toBe('public\\.old:a,b;public\\.order:id');
  });

  it('spells names in which its separators stand, and blanks, so that they match themselves alone', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(name, name, (table, column) => {
        const text = printMessageKeys([{ table: `s.${table}`, columns: [column] }], undefined) ?? '';
        const [of = '', key = '', ...more] = text.split(':');
        expect(more).toEqual([]);
        expect(text).not.toMatch(/[\s;,]/);
        expect(new RegExp(`^(?:${of})$`).test(`s.${table}`)).toBe(true);
        expect(new RegExp(`^(?:${of})$`).test(`sx${table}`)).toBe(false);
        expect(new RegExp(`^(?:${key})$`).test(column)).toBe(true);
      }),
    );
  });
});

describe('messageKeyFaults', () => {
  const faults = (setting: string | undefined, keyless: readonly string[] = ['public.order']) =>
    messageKeyFaults(setting === undefined ? {} : { [MESSAGE_KEYS]: setting }, known, keyless);

  it.each([
    ['a table with a primary key and no setting', undefined, []],
    ['the key of the plan', 'public.order:region,no', ['public.order']],
    ['its columns in another order, and case', '(.*).ORDER:NO,Region', ['public.order']],
    ['other tables', 'public.other:id', []],
    ['several entries', 'public.other:id;public.order:region;public.order:no', ['public.order']],
  ])('there are none with %s', (_what, setting, keyless) => {
    expect(faults(setting, keyless)).toEqual([]);
  });

  it.each([
    ['no key', undefined, /public\.order has no primary key.*add public\\\.order:region,no to message\.key/],
    ['a part of it', 'public.order:no', /keys the records of public\.order by no, and .* by region, no/],
    ['more', 'public.order:region,no,note', /by region, no, note, and/],
    ['what nobody knows', 'public.order:id', /by columns that the plan does not name/],
    ['what only Java reads', 'public.order:(?<!x)no,++', /keys the records/],
  ])('are told of %s', (_what, setting, says) => {
    expect(faults(setting)).toEqual([expect.stringMatching(says)]);
  });
});
