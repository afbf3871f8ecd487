import { expect, it } from 'vitest';
import type { CanonicalDocument, DocumentKey } from '#core/document';
import { isFloating } from '#core/field-type';
import { compareKeys, compareValues } from '#core/key';
import { keyFields, type Plan } from '#core/plan';
import type { LegacyStore, WriteCommand } from '#core/ports/legacy-store';
import type { Filter, FilterOperator, ListQuery, Page } from '#core/query';
import { keyOf } from '#core/render';

/** What a store of documents can be asked, whichever it is. */
export interface ReadableStore {
  readOne(plan: Plan, key: DocumentKey): Promise<CanonicalDocument | null>;
  list(plan: Plan, query: ListQuery): Promise<Page>;
  count(plan: Plan): Promise<number>;
}

export interface DocumentsUnderTest<Store> {
  readonly plan: Plan;
  readonly store: Store;
  /** Documents with different keys, each as the store answers it, but for what the database itself sets. */
  readonly documents: readonly CanonicalDocument[];
  /** Empties the store and fills it with `documents`. */
  readonly fill: () => Promise<void>;
}

/** What the database sets by itself is nobody's to expect. */
function without(plan: Plan, document: CanonicalDocument): CanonicalDocument {
  const set = plan.root.fields.filter((field) => field.readOnly).map((field) => field.path);
  const root = Object.fromEntries(Object.entries(document.root).filter(([path]) => !set.includes(path)));
  return { ...document, root };
}

/** How every store reads: by key, and in lists that filter, sort and go on. */
export function conformingReads(open: () => DocumentsUnderTest<ReadableStore>): void {
  const keyIn = (plan: Plan, document: CanonicalDocument): DocumentKey =>
    keyOf(keyFields(plan.root), document.root);
  const query = (plan: Plan, changes: Partial<ListQuery> = {}): ListQuery => ({
    filters: [],
    sort: keyFields(plan.root).map((field) => ({ field, descending: false })),
    limit: 100,
    after: null,
    ...changes,
  });
  const listed = async (
    changes: (plan: Plan) => Partial<ListQuery>,
  ): Promise<readonly CanonicalDocument[]> => {
    const { store, plan } = open();
    const page = await store.list(plan, query(plan, changes(plan)));
    return page.documents.map((one) => without(plan, one));
  };

  it('answers each document by its key, and null for a key that is not there', async () => {
    const { store, plan, documents, fill } = open();
    await fill();
    for (const one of documents) {
      const found = await store.readOne(plan, keyIn(plan, one));
      expect(found === null ? null : without(plan, found)).toEqual(one);
    }
    const [first] = documents;
    if (first === undefined) throw new Error('the suite needs documents');
    const other = keyIn(plan, first).map((part, at) => (at === 0 ? part : '9223372036854775807'));
    expect(await store.readOne(plan, other)).toBeNull();
    expect(await store.count(plan)).toBe(documents.length);
  });

  it('lists in key order, page by page, each document once', async () => {
    const { store, plan, documents, fill } = open();
    await fill();
    const whole = await listed(() => ({}));
    expect(whole).toHaveLength(documents.length);
    const paged: CanonicalDocument[] = [];
    for (let after: DocumentKey | null = null, more = true; more; ) {
      const page: Page = await store.list(plan, query(plan, { limit: 2, after }));
      expect(page.documents.length).toBeLessThanOrEqual(2);
      paged.push(...page.documents.map((one) => without(plan, one)));
      const last = page.documents.at(-1);
      after = last === undefined ? null : keyIn(plan, last);
      more = page.more;
    }
    expect(paged).toEqual(whole);
    const backwards = await listed(() => ({
      sort: keyFields(plan.root).map((field) => ({ field, descending: true })),
    }));
    expect(backwards).toEqual([...whole].reverse());
  });

  it('filters by what a field holds, null included', async () => {
    const { plan, fill } = open();
    await fill();
    const whole = await listed(() => ({}));
    const fields = plan.root.fields.filter(
      (field) => !field.readOnly && !['bytes', 'json'].includes(field.type.kind) && !isFloating(field.type),
    );
    for (const field of fields) {
      const valueIn = (one: CanonicalDocument) => one.root[field.path] ?? null;
      for (const value of new Set(whole.map(valueIn))) {
        const having = (operator: FilterOperator) =>
          listed(() => ({ filters: [{ field, operator, values: [value] } satisfies Filter] }));
        expect(await having('eq'), `${field.path} eq ${value}`).toEqual(
          whole.filter((one) => valueIn(one) === value),
        );
        expect(await having('ne'), `${field.path} ne ${value}`).toEqual(
          whole.filter((one) => valueIn(one) !== value),
        );
      }
    }
  });

  it('compares and sorts by what values are, nulls first, page by page', async () => {
    const { store, plan, fill } = open();
    await fill();
    const whole = await listed(() => ({}));
    const key = keyFields(plan.root);
    const fields = plan.root.fields.filter(
      (field) => !field.readOnly && !['bytes', 'json'].includes(field.type.kind),
    );
    for (const field of fields) {
      const valueIn = (one: CanonicalDocument) => one.root[field.path] ?? null;
      for (const value of new Set(whole.map(valueIn))) {
        if (value === null) continue;
        const greater = await listed(() => ({ filters: [{ field, operator: 'gt', values: [value] }] }));
        expect(greater, `${field.path} gt ${value}`).toEqual(
          whole.filter((one) => valueIn(one) !== null && compareValues(valueIn(one), value, field.type) > 0),
        );
      }
      for (const descending of [false, true]) {
        const terms = [{ field, descending }, ...key.map((one) => ({ field: one, descending: false }))];
        const expected = [...whole].sort((a, b) => {
          const order = compareValues(valueIn(a), valueIn(b), field.type) * (descending ? -1 : 1);
          return (
            order ||
            compareKeys(
              keyIn(plan, a),
              keyIn(plan, b),
              key.map(({ type }) => type),
            )
          );
        });
        const paged: CanonicalDocument[] = [];
        for (let after: ListQuery['after'] = null, more = true; more; ) {
          const page: Page = await store.list(plan, query(plan, { sort: terms, limit: 2, after }));
          paged.push(...page.documents.map((one) => without(plan, one)));
          const last = page.documents.at(-1);
          after = last === undefined ? null : terms.map((term) => last.root[term.field.path] ?? null);
          more = page.more;
        }
        expect(paged, `sorted by ${field.path}, ${descending ? 'descending' : 'ascending'}`).toEqual(
          expected,
        );
      }
    }
  });
}

/** How every legacy store writes, beyond what a single database's constraints say. */
export function conformingWrites(open: () => DocumentsUnderTest<LegacyStore>): void {
  const first = (): { plan: Plan; key: DocumentKey; document: CanonicalDocument } => {
    const { plan, documents } = open();
    const [document] = documents;
    if (document === undefined) throw new Error('the suite needs documents');
    return { plan, key: keyOf(keyFields(plan.root), document.root), document };
  };
  const write = (command: WriteCommand) => open().store.write(open().plan, command);

  it('inserts a key once', async () => {
    const { plan, key, document } = first();
    await open().fill();
    await expect(write({ kind: 'insert', document })).rejects.toMatchObject({ code: 'document_exists' });
    expect(await write({ kind: 'delete', key })).toMatchObject({ kind: 'done', document: null });
    const again = await write({ kind: 'insert', document });
    expect(again.kind === 'done' && again.document && without(plan, again.document)).toEqual(document);
  });

  it('answers a write to a key that is not there as missing', async () => {
    const { key, document } = first();
    await open().fill();
    await write({ kind: 'delete', key });
    expect(await write({ kind: 'delete', key })).toEqual({ kind: 'missing' });
    expect(await write({ kind: 'replace', key, document })).toEqual({ kind: 'missing' });
    expect(await write({ kind: 'patch', key, root: {}, embeds: {} })).toEqual({ kind: 'missing' });
  });

  it('patches what is named and keeps the rest', async () => {
    const { plan, key, document } = first();
    await open().fill();
    const [embed] = plan.embeds;
    if (embed === undefined) throw new Error('the suite needs an embedded table');
    const field = plan.root.fields.find(
      ({ column, type }) => type.kind === 'decimal' && !plan.root.key.includes(column),
    );
    if (field === undefined) throw new Error('the suite needs a decimal');
    const changed = await write({
      kind: 'patch',
      key,
      root: { [field.path]: '1.25' },
      embeds: { [embed.path]: [] },
    });
    const expected = {
      root: { ...document.root, [field.path]: '1.25' },
      embeds: { ...document.embeds, [embed.path]: [] },
    };
    expect(changed.kind === 'done' && changed.document && without(plan, changed.document)).toEqual(expected);
    const read = await open().store.readOne(plan, key);
    expect(read && without(plan, read)).toEqual(expected);
  });

  it('marks a document anew with each change, and with nothing else', async () => {
    const { plan, key, document } = first();
    await open().fill();
    const mark = async (): Promise<string | undefined> =>
      (await open().store.readMarked(plan, [key]))[0]?.mark;
    const before = await mark();
    expect(before).toBeDefined();
    expect(await mark()).toBe(before);
    const [path] = plan.embeds.map((embed) => embed.path);
    await write({ kind: 'patch', key, root: {}, embeds: { [path ?? '']: [] } });
    expect(await mark()).not.toBe(before);
    await write({ kind: 'replace', key, document });
    expect(await open().store.readMarked(plan, [key])).toHaveLength(1);
  });
}
