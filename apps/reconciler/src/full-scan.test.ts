import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { CanonicalDocument } from '#core/document';
import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import type { DocumentStore } from '#core/ports/document-store';
import { Dependencies } from '#observability/dependencies';
import { HandClock } from '#testing/hand-clock';
import { MemoryLegacyStore } from '#testing/memory-legacy-store';
import { MemoryUnits, MemoryVerifications } from '#testing/memory-stores';
import { aPlan, aUnit } from '#testing/plans';
import { FullScan } from './full-scan.ts';

const REGION = 'eu';
const ORDER = {
  id: 'run-1',
  unit: 'orders',
  requestedBy: 'ann',
  requestedAt: '2026-01-01T00:00:00.000Z',
  progress: async () => undefined,
};
const NEVER = new AbortController().signal;

function aDocument(number: number, amount = '1.00'): CanonicalDocument {
  return { root: { region: REGION, number: String(number), amount }, embeds: {} };
}

/** Both stores in memory, real scan; a small rate makes small chunks, and so many steps. */
function estate(
  legacyDocuments: readonly CanonicalDocument[],
  mongoDocuments: readonly CanonicalDocument[],
  changes: Partial<Plan['reconcile']> = {},
) {
  const base = aPlan();
  const plan = { ...base, reconcile: { ...base.reconcile, maxRowsPerSecond: 3, ...changes } };
  const clock = new HandClock();
  const legacy = new MemoryLegacyStore(plan, legacyDocuments);
  const mongodb = new MemoryLegacyStore(plan, mongoDocuments);
  const units = new MemoryUnits();
  units.put(aUnit(plan));
  const verifications = new MemoryVerifications();
  const world = {
    plan,
    clock,
    legacy,
    mongodb,
    units,
    verifications,
    /** What replication does while a recheck waits for it. */
    replicate: (): boolean => true,
    sut: (): FullScan =>
      new FullScan({
        units,
        verifications,
        documents: mongodb as unknown as DocumentStore,
        legacyOf: () => legacy,
        watermark: { passed: async () => world.replicate() },
        dependencies: new Dependencies(clock),
        clock,
        log: pino({ level: 'silent' }),
      }),
  };
  return world;
}

/** A row's mark is its content, as on Db2. */
function byContent(legacy: MemoryLegacyStore): void {
  const read = legacy.readMarked.bind(legacy);
  legacy.readMarked = async (plan, keys) =>
    (await read(plan, keys)).map(({ document }) => ({ document, mark: JSON.stringify(document) }));
}

function put(store: MemoryLegacyStore, document: CanonicalDocument | null): void {
  if (document === null) store.remove([REGION, '1']);
  else store.put(document);
}

const numbers = (count: number): CanonicalDocument[] =>
  Array.from({ length: count }, (_, at) => aDocument(at));

describe('FullScan', () => {
  it('passes when both stores are equal', async () => {
    const { sut } = estate(numbers(10), numbers(10));
    expect(await sut().run(ORDER, NEVER)).toMatchObject({
      state: 'passed',
      rowsCompared: 10,
      rowsTotal: 10,
      inFlight: 0,
      differences: [],
      reason: null,
      progress: null,
    });
  });

  it('confirms what is missing, extra and different, with the fields', async () => {
    const { sut } = estate(
      [aDocument(1), aDocument(2), aDocument(3)],
      [aDocument(2, '9.00'), aDocument(3), aDocument(4)],
    );
    expect(await sut().run(ORDER, NEVER)).toMatchObject({
      state: 'failed',
      rowsCompared: 4,
      missing: 1,
      extra: 1,
      different: 1,
      inFlight: 0,
      differences: [
        { key: 'eu,1', kind: 'missing', fields: [] },
        { key: 'eu,2', kind: 'different', fields: ['/amount'] },
        { key: 'eu,4', kind: 'extra', fields: [] },
      ],
    });
  });

  it('takes a row that nobody can be shown for different, and compares the rest', async () => {
    const unreadable = [{ pointer: '/amount', reason: 'NaN is not legal' }];
    const spoiled = [2, 3].map((number) => ({
      root: { region: REGION, number: String(number) },
      embeds: {},
      unreadable,
    }));
    const { sut } = estate(
      [aDocument(1), ...spoiled, aDocument(4)],
      [aDocument(1), aDocument(2), aDocument(4)],
    );
    expect(await sut().run(ORDER, NEVER)).toMatchObject({
      state: 'failed',
      rowsCompared: 4,
      different: 1,
      missing: 1,
      differences: [
        { key: 'eu,2', kind: 'different', fields: ['/amount'] },
        { key: 'eu,3', kind: 'missing', fields: [] },
      ],
    });
  });

  it('counts as in flight what has come by the time the watermark has passed', async () => {
    const world = estate(numbers(5), numbers(3));
    world.replicate = () => {
      for (const document of world.legacy.all()) world.mongodb.put(document);
      return true;
    };
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({ state: 'passed', inFlight: 2 });
  });

  interface Rounds {
    readonly name: string;
    /** The amounts in either store by the round of the recheck; the last one stays. */
    readonly legacy: readonly string[];
    readonly mongodb: readonly string[];
    readonly rounds: number;
  }
  it.each<Rounds>([
    { name: 'no side moves', legacy: [], mongodb: [], rounds: 2 },
    { name: 'legacy moves twice', legacy: ['2.00', '3.00'], mongodb: [], rounds: 4 },
    { name: 'legacy moves after it has held still once', legacy: ['1.00', '2.00'], mongodb: [], rounds: 4 },
    { name: 'MongoDB moves at first', legacy: [], mongodb: ['0.60'], rounds: 2 },
    { name: 'MongoDB moves on', legacy: [], mongodb: ['0.60', '0.70'], rounds: 3 },
    { name: 'both move, never to the same', legacy: ['2.00'], mongodb: ['0.60', '0.70'], rounds: 3 },
  ])('confirms only what both sides keep for two rounds: $name', async ({ legacy, mongodb, rounds }) => {
    const world = estate([aDocument(1)], [aDocument(1, '0.50')]);
    byContent(world.legacy);
    let round = 0;
    world.replicate = () => {
      world.legacy.put(aDocument(1, legacy[round] ?? legacy.at(-1)));
      world.mongodb.put(aDocument(1, mongodb[round] ?? mongodb.at(-1) ?? '0.50'));
      round++;
      return true;
    };
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({ state: 'failed', different: 1 });
    expect(round).toBe(rounds);
  });

  it('does not confirm a row that is written again, be it as it was, until it holds still', async () => {
    const world = estate([aDocument(1)], [aDocument(1, '0.50')]);
    let rounds = 0;
    world.replicate = () => {
      if (rounds++ < 2) world.legacy.put(aDocument(1));
      return true;
    };
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({ state: 'failed', different: 1 });
    expect(rounds).toBe(4);
  });

  interface Absence {
    readonly name: string;
    /** Null: no such row. */
    readonly home: CanonicalDocument | null;
    readonly away: CanonicalDocument | null;
  }
  it.each<Absence>([
    { name: 'is another and the same again', home: aDocument(1), away: aDocument(1, '2.00') },
    { name: 'comes and goes', home: null, away: aDocument(1) },
    { name: 'goes and comes', home: aDocument(1), away: null },
  ])('does not confirm a row that $name while MongoDB is read', async ({ home, away }) => {
    const world = estate(
      [aDocument(0), ...(home === null ? [] : [home])],
      [aDocument(0), aDocument(1, '0.50')],
    );
    byContent(world.legacy);
    let passed = 0;
    world.replicate = () => {
      // MongoDB is no further than what legacy has for a moment, in the first round; then it has all.
      put(world.legacy, passed === 0 ? away : home);
      put(world.mongodb, passed === 0 ? away : home);
      passed++;
      return true;
    };
    world.legacy.beforeRead = () => put(world.legacy, home);
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({
      state: 'passed',
      inFlight: 1,
      differences: [],
    });
    expect(passed).toBe(2);
  });

  it.each([
    { name: 'nothing differs', mongodb: numbers(5), rounds: 0 },
    { name: 'all is in flight', mongodb: numbers(3), rounds: 1 },
  ])('waits for the watermark $rounds times when $name', async ({ mongodb, rounds }) => {
    const world = estate(numbers(5), mongodb);
    let passed = 0;
    world.replicate = () => {
      passed++;
      for (const document of world.legacy.all()) world.mongodb.put(document);
      return true;
    };
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({ state: 'passed' });
    expect(passed).toBe(rounds);
  });

  it('breaks off when a row never holds still', async () => {
    const world = estate([aDocument(1)], []);
    let amount = 1;
    world.replicate = () => {
      world.legacy.put(aDocument(1, `${amount++}.00`));
      return true;
    };
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({
      state: 'broken',
      reason: expect.stringContaining('1 keys did not hold still for two rounds of the recheck, e.g. eu,1'),
    });
  });

  it('breaks off when replication stands still', async () => {
    const world = estate([aDocument(1)], []);
    world.replicate = () => false;
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({
      state: 'broken',
      missing: 0,
      reason: expect.stringContaining('replication did not get past them'),
    });
  });

  it.each([
    { name: 'is broken', allowEmpty: false, state: 'broken', reason: /job_empty/ },
    { name: 'passes when the plan allows it', allowEmpty: true, state: 'passed', reason: /both stores are/ },
  ])('a run that compared nothing $name', async ({ allowEmpty, state, reason }) => {
    const { sut } = estate([], [], { allowEmpty });
    const result = await sut().run(ORDER, NEVER);
    expect(result).toMatchObject({ state, rowsCompared: 0 });
    expect(result?.reason).toMatch(reason);
  });

  it.each([
    {
      name: 'a unit that does not exist',
      order: { ...ORDER, unit: 'none' },
      reason: /"none" does not exist/,
    },
  ])('breaks off at $name', async ({ order, reason }) => {
    const { sut } = estate([], []);
    const result = await sut().run(order, NEVER);
    expect(result?.state).toBe('broken');
    expect(result?.reason).toMatch(reason);
  });

  it('refuses a repair policy that is not built', async () => {
    const { sut } = estate(numbers(1), numbers(1), { repair: 'repair' });
    expect((await sut().run(ORDER, NEVER))?.reason).toMatch(/"repair", which is not built yet/);
  });

  it('outlives outages of both stores', async () => {
    const world = estate(numbers(10), numbers(9));
    let reads = 0;
    const flaky = (): void => {
      if (reads++ % 2 === 0) throw new FicusError('legacy_unavailable', 'away', { retryable: true });
    };
    world.legacy.beforeRead = flaky;
    world.mongodb.beforeRead = flaky;
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({ state: 'failed', missing: 1 });
  });

  it('keeps to the rate of the plan', async () => {
    const world = estate(numbers(30), numbers(30), { maxRowsPerSecond: 10 });
    const began = world.clock.now();
    await world.sut().run(ORDER, NEVER);
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(3_000);
  });

  it('shows rate and remaining time while it runs', async () => {
    const world = estate(numbers(30), numbers(30), { maxRowsPerSecond: 10 });
    const seen: unknown[] = [];
    const progress = async (of: unknown): Promise<void> => {
      seen.push(of);
    };
    await world.sut().run({ ...ORDER, progress }, NEVER);
    expect(seen[0]).toEqual({ rows: 10, total: 30, rowsPerSecond: 10, remainingMs: 2_000 });
  });

  it('leaves a run to the worker that took it over', async () => {
    const world = estate(numbers(10), numbers(10));
    let taken = false;
    world.legacy.beforeRead = () => {
      if (!taken) void world.verifications.take(ORDER.id);
      taken = true;
    };
    expect(await world.sut().run(ORDER, NEVER)).toBeNull();
    expect(await world.verifications.read(ORDER.id)).toMatchObject({ state: 'running' });
  });

  it('does nothing for a run that has ended', async () => {
    const world = estate(numbers(3), numbers(3));
    const first = await world.sut().run(ORDER, NEVER);
    world.legacy.remove([REGION, '1']);
    expect(await world.sut().run(ORDER, NEVER)).toBeNull();
    expect(await world.verifications.read(ORDER.id)).toEqual(first);
  });

  it('begins again when the plan has changed since', async () => {
    const world = estate(numbers(10), numbers(9));
    const stopping = new AbortController();
    let reads = 0;
    world.legacy.beforeRead = () => {
      if (reads++ === 2) stopping.abort(new Error('stop'));
    };
    await expect(world.sut().run(ORDER, stopping.signal)).rejects.toThrow('stop');
    expect((await world.verifications.read(ORDER.id))?.rowsCompared).toBeGreaterThan(0);
    world.units.put({ ...aUnit(world.plan), planVersion: 2 });
    expect(await world.sut().run(ORDER, NEVER)).toMatchObject({ rowsCompared: 10, missing: 1 });
  });

  it('comes to the same result wherever its workers are killed', async () => {
    const contents = fc.uniqueArray(
      fc.record({ number: fc.nat(40), amount: fc.constantFrom('1.00', '2.00') }),
      { selector: (one) => one.number, maxLength: 30 },
    );
    const toDocuments = (all: readonly { number: number; amount: string }[]): CanonicalDocument[] =>
      all.map((one) => aDocument(one.number, one.amount));
    const kills = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(contents, contents, kills, async (left, right, deaths) => {
        const make = () => estate(toDocuments(left), toDocuments(right), { allowEmpty: true });
        const undisturbed = make();
        const expected = await undisturbed.sut().run(ORDER, NEVER);
        const world = make();
        for (const steps of deaths) await killed(world, steps);
        world.verifications.beforeSave = () => undefined;
        world.legacy.beforeRead = () => undefined;
        const result = (await world.sut().run(ORDER, NEVER)) ?? (await world.verifications.read(ORDER.id));
        const { startedAt, finishedAt, ...rest } = result ?? {};
        expect(startedAt).not.toBeNull();
        expect(finishedAt).not.toBeNull();
        const { startedAt: _s, finishedAt: _f, ...wanted } = expected ?? {};
        expect(rest).toEqual(wanted);
      }),
    );
  });
});

/** Runs a worker that dies, without any chance to save, at its nth contact with a store. */
async function killed(world: ReturnType<typeof estate>, steps: number): Promise<void> {
  let left = steps;
  const dying = new AbortController();
  const step = (): void => {
    if (dying.signal.aborted || --left <= 0) {
      dying.abort(new Error('killed'));
      throw new Error('killed');
    }
  };
  world.verifications.beforeSave = step;
  world.legacy.beforeRead = step;
  await world
    .sut()
    .run(ORDER, dying.signal)
    .catch(() => undefined);
}
