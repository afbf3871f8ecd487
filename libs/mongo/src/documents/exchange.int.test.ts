import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyDocument, type StoredDocument } from '#core/apply';
import type { Content } from '#core/field-type';
import type { Plan } from '#core/plan';
import type { DocumentWrite } from '#core/ports/document-store';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { ordersPlan } from '#testing/orders-plan';
import { aRow, storedOf } from '#testing/stored-documents';
import { ensureCollection } from './schema.ts';
import { MongoDocumentStore } from './store.ts';

const TERM = 5;

let databases: TestDatabases;
let sut: MongoDocumentStore;
let plan: Plan;
let made = 0;

beforeAll(async () => {
  databases = await openTestDatabases();
  sut = new MongoDocumentStore(databases.documents);
});
afterAll(async () => {
  await databases.close();
});
beforeEach(async () => {
  made += 1;
  plan = { ...ordersPlan, embeds: [], collection: `orders_${made}` };
  await ensureCollection(databases.documents, plan, TERM);
});

const key = (number: number) => ['EU', String(number)];
function content(number: number, note: string): Content {
  const root = { region: 'EU', number: String(number), 'customer.name': 'Ann', amount: '1.50', note };
  return storedOf(plan, { root, embeds: {} }).root?.content ?? {};
}
async function load(number: number): Promise<StoredDocument> {
  const [found] = await sut.load(plan, [key(number)]);
  return found ?? expect.fail('load answered nothing');
}
const notes = async (...numbers: readonly number[]) =>
  await Promise.all(numbers.map(async (number) => (await load(number)).root?.content.note));

/** Gives these documents this note, as one; `between` runs once it has been decided. */
async function note(numbers: readonly number[], text: string, given: { term?: number; bare?: boolean } = {}) {
  const { term = TERM, bare = false } = given;
  const wanted = numbers.map((number) => ({ key: key(number), doesBare: bare ? () => true : undefined }));
  return await sut.exchange(plan, term, wanted, (stored) =>
    stored.map((before, at): DocumentWrite => {
      const after = { ...before, root: aRow(content(numbers[at] ?? 0, text)) };
      return { before, after };
    }),
  );
}

describe('exchange', () => {
  it('writes more than one command can hold as one', async () => {
    const large = 'x'.repeat(7 * 1024 * 1024);
    // No more than that: the sandbox's MongoDB has a small cache, and a transaction must fit into a part of it.
    expect(await note([1, 2, 3], large)).toBe('done');
    expect(await note([2, 3, 4], `${large}!`)).toBe('done');
    const lengths = (await notes(1, 3, 4)).map((text) => String(text).length);
    expect(lengths).toEqual([large.length, large.length + 1, large.length + 1]);
  });

  it('writes nothing of a batch with a document that no command can hold', async () => {
    const small = await note([1], 'small');
    const wanted = [1, 2].map((number) => ({ key: key(number) }));
    const outcome = await sut.exchange(plan, TERM, wanted, (stored) =>
      stored.map((before, at): DocumentWrite => {
        const text = at === 0 ? 'other' : 'x'.repeat(17 * 1024 * 1024);
        return { before, after: { ...before, root: aRow(content(at + 1, text)) } };
      }),
    );
    expect([small, outcome]).toEqual(['done', 'refused']);
    expect(await notes(1, 2)).toEqual(['small', undefined]);
  });

  it('writes new documents and known ones, and raises their revisions', async () => {
    expect(await note([1, 2], 'first')).toBe('done');
    expect(await note([2, 3], 'second')).toBe('done');
    expect(await notes(1, 2, 3)).toEqual(['first', 'second', 'second']);
    expect([(await load(1)).revision, (await load(2)).revision]).toEqual([1, 2]);
  });

  it('gives what is stored, in the order that was asked for, and nothing of what is not', async () => {
    await note([1, 2], 'x');
    let seen: readonly StoredDocument[] = [];
    const look = (stored: readonly StoredDocument[]) => {
      seen = stored;
      return [];
    };
    const wanted = [3, 2, 1].map((number) => ({ key: key(number) }));
    expect(await sut.exchange(plan, TERM, wanted, look)).toBe('done');
    expect(seen).toEqual([emptyDocument(key(3)), await load(2), await load(1)]);
  });

  it('gives versions alone of what is wanted bare, and writes over it as ever', async () => {
    await note([1], 'x');
    let seen: readonly StoredDocument[] = [];
    const look = (stored: readonly StoredDocument[]) => {
      seen = stored;
      return [];
    };
    const bare = { key: key(1), doesBare: () => true };
    await sut.exchange(plan, TERM, [bare], look);
    const whole = await load(1);
    expect(seen).toEqual([{ ...whole, root: { ...whole.root, content: {} }, embeds: {} }]);
    expect(await note([1], 'y', { bare: true })).toBe('done');
    expect(await notes(1)).toEqual(['y']);
  });

  it('gives the content, too, of those of which the version alone does not do', async () => {
    await note([1, 2], 'x');
    const asked: StoredDocument[] = [];
    let seen: readonly StoredDocument[] = [];
    const wanted = [3, 2, 1].map((number) => ({
      key: key(number),
      doesBare: (bare: StoredDocument) => asked.push(bare) > 0 && String(bare.key[1]) === '1',
    }));
    await sut.exchange(plan, TERM, wanted, (stored) => {
      seen = stored;
      return [];
    });
    const [one, two] = [await load(1), await load(2)];
    const bare = (of: StoredDocument) => ({ ...of, root: { ...of.root, content: {} } });
    expect(asked.sort((a, b) => String(a.key[1]).localeCompare(String(b.key[1])))).toEqual([
      bare(one),
      bare(two),
    ]);
    expect(seen).toEqual([emptyDocument(key(3)), two, bare(one)]);
  });

  it('does not look for what is taken for new, and is overtaken should it be there', async () => {
    await note([1], 'x');
    let seen: readonly StoredDocument[] = [];
    const put = (numbers: readonly number[]) => {
      const wanted = numbers.map((number) => ({ key: key(number), isNew: true }));
      return sut.exchange(plan, TERM, wanted, (stored) => {
        seen = stored;
        return stored.map((before, at) => ({
          before,
          after: { ...before, root: aRow(content(numbers[at] ?? 0, 'y')) },
        }));
      });
    };
    expect(await put([2, 3])).toBe('done');
    expect(seen).toEqual([emptyDocument(key(2)), emptyDocument(key(3))]);
    expect(await put([4, 1])).toBe('overtaken');
    expect(await notes(1, 2, 3, 4)).toEqual(['x', 'y', 'y', undefined]);
  });

  it('writes what is decided after one command is full, and nothing of it where deciding fails', async () => {
    const numbers = Array.from({ length: 2_500 }, (_, at) => at + 1);
    expect(await note(numbers, 'x')).toBe('done');
    expect(await notes(1, 1_001, 2_500)).toEqual(['x', 'x', 'x']);
    const wanted = numbers.map((number) => ({ key: key(number) }));
    const failing = sut.exchange(plan, TERM, wanted, function* (stored) {
      for (const [at, before] of stored.entries()) {
        if (at === 2_200) throw new Error('not this one');
        yield { before, after: { ...before, root: aRow(content(at + 1, 'y')) } };
      }
    });
    await expect(failing).rejects.toThrow('not this one');
    expect(await notes(1, 1_001, 2_500)).toEqual(['x', 'x', 'x']);
    expect(await note(numbers, 'z')).toBe('done');
  });

  it('keeps members that Ficus does not own', async () => {
    await note([1], 'x');
    const own = databases.rogue.collection(plan.collection);
    await own.updateOne({}, { $set: { theirs: 1 } }, { bypassDocumentValidation: true });
    await note([1], 'y', { bare: true });
    expect(await own.findOne({})).toMatchObject({ theirs: 1, note: 'y' });
  });

  it('lets nobody come between: of two at once that meet, what one decided on still holds when it is written', async () => {
    await note([0], '');
    const add = async (): Promise<number> => {
      const outcome = await sut.exchange(plan, TERM, [{ key: key(0) }], ([before]) => {
        if (before === undefined) expect.fail('one is wanted');
        const after = { ...before, root: aRow(content(0, `${before.root?.content.note}x`)) };
        return [{ before, after }];
      });
      return outcome === 'done' ? 1 : 0;
    };
    const done = await Promise.all(Array.from({ length: 40 }, add));
    const count = done.reduce((sum, one) => sum + one, 0);
    expect(count).toBeGreaterThan(0);
    expect(await notes(0)).toEqual(['x'.repeat(count)]);
  });

  it('lets one of two first writers win', async () => {
    const outcomes = await Promise.all([note([1, 2], 'a'), note([1, 2], 'b')]);
    expect(outcomes).toContain('done');
    const [one, two] = await notes(1, 2);
    expect(one).toMatch(/^[ab]$/);
    expect(one).toBe(two);
  });

  it('mixes nothing of two first writers whose orders differ, of whom each may stop the other', async () => {
    const outcomes = await Promise.all([note([1, 2], 'a'), note([2, 1], 'b')]);
    const [one, two] = await notes(1, 2);
    expect(one).toBe(two);
    expect(one !== undefined).toBe(outcomes.includes('done'));
  });

  it('writes nothing of a batch that was overtaken by a write from outside of it', async () => {
    await note([1, 2], 'x');
    const before = await load(2);
    const wanted = [1, 2].map((number) => ({ key: key(number) }));
    let overtaking: Promise<unknown> = Promise.resolve();
    const outcome = await sut.exchange(plan, TERM, wanted, (stored) => {
      // On its way before the statements of the exchange are.
      overtaking = sut.save(plan, TERM, [{ before, after: { ...before, root: aRow(content(2, 'faster')) } }]);
      return stored.map((one, at) => ({ before: one, after: { ...one, root: aRow(content(at + 1, 'y')) } }));
    });
    await overtaking;
    expect(await notes(1, 2)).toEqual(outcome === 'done' ? ['y', 'y'] : ['x', 'faster']);
  });

  it.each([
    ['an older term', async () => await note([1, 2], 'y', { term: TERM - 1 })],
    [
      'the schema',
      async () => {
        const rule = { note: { $ne: 'y' } };
        await databases.rogue.command({ collMod: plan.collection, validator: rule });
        return await note([1, 2, 3], 'y');
      },
    ],
    [
      "somebody's unique index",
      async () => {
        const partialFilterExpression = { note: 'y' };
        const options = { unique: true, partialFilterExpression };
        await databases.rogue.collection(plan.collection).createIndex({ note: 1 }, options);
        return await note([1, 2], 'y');
      },
    ],
    ['the size of a document', async () => await note([1, 2], 'y'.repeat(17 * 1024 * 1024))],
    ['a new document by them', async () => await note([3, 4], 'y', { term: TERM - 1 })],
  ])('is refused as a whole by %s', async (_what, attempt) => {
    await note([1, 2], 'x');
    expect(await attempt()).toBe('refused');
    expect(await notes(1, 2)).toEqual(['x', 'x']);
    expect((await load(3)).revision).toBeNull();
  });
});
