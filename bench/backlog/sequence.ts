import type { OrderChange } from './order-row.ts';

export const PARTITIONS = 4;
/** What one batch of a writer holds. */
export const BATCH = 1_000;
/** Of a mixed backlog, one change in so many is an insert. */
const INSERT_EVERY = 5;
/** How often each key comes in a batch of a compactable backlog. */
const REPEATS = 4;

/** The first life of each key: what is there before any backlog. */
export function seedOf(keys: number): OrderChange[] {
  return placed(upTo(keys).map((id) => ({ op: 'c', id })));
}

/** Updates of all keys, each as often as the others and in random order, and inserts of new ones. */
export function mixedOf(keys: number, events: number): OrderChange[] {
  const next = laps(keys);
  let fresh = keys;
  return placed(
    upTo(events).map((at) =>
      at % INSERT_EVERY === INSERT_EVERY - 1 ? { op: 'c', id: fresh++ } : { op: 'u', id: next() },
    ),
    keys,
  );
}

/** Updates alone, each key as often as the others and in random order. */
export function updatesOf(keys: number, events: number): OrderChange[] {
  const next = laps(keys);
  return placed(
    upTo(events).map(() => ({ op: 'u', id: next() })),
    keys,
  );
}

/** Updates, four of each key in one batch of its partition. */
export function repeatedOf(keys: number, events: number): OrderChange[] {
  // Of four neighbours, each goes to another partition: so every partition gets a whole batch at a time.
  const next = laps(Math.ceil(keys / PARTITIONS));
  const chance = dice(7);
  const changes: { op: 'u'; id: number }[] = [];
  while (changes.length < events) {
    const ids = upTo(BATCH / REPEATS).flatMap(() => {
      const first = next() * PARTITIONS;
      return upTo(PARTITIONS).map((partition) => first + partition);
    });
    const all = shuffled(
      upTo(REPEATS).flatMap(() => ids),
      chance,
    );
    changes.push(...all.map((id) => ({ op: 'u' as const, id })));
  }
  return placed(changes.slice(0, events), keys);
}

/** The rows of a table that is read whole. */
export function snapshotOf(rows: number): OrderChange[] {
  return placed(upTo(rows).map((id) => ({ op: 'r', id })));
}

/** Share of the changes that come after another one of their key within the same batch of a partition. */
export function repeatShare(changes: readonly OrderChange[]): number {
  let repeats = 0;
  for (const own of Map.groupBy(changes, ({ partition }) => partition).values())
    for (let at = 0; at < own.length; at += BATCH) {
      const batch = own.slice(at, at + BATCH);
      repeats += batch.length - new Set(batch.map(({ id }) => id)).size;
    }
  return changes.length === 0 ? 0 : repeats / changes.length;
}

/** Gives each change its number and its place: a key stays in its partition. @param after changes before these. */
function placed(changes: readonly { op: OrderChange['op']; id: number }[], after = 0): OrderChange[] {
  const offsets = upTo(PARTITIONS).map((partition) => countBelow(after, partition));
  return changes.map(({ op, id }, index) => {
    const partition = id % PARTITIONS;
    const offset = offsets[partition] ?? 0;
    offsets[partition] = offset + 1;
    return { op, id, number: after + index, partition, offset };
  });
}

function countBelow(keys: number, partition: number): number {
  return Math.floor((keys - partition + PARTITIONS - 1) / PARTITIONS);
}

/** Answers every key once in random order, then again in another one. */
function laps(keys: number): () => number {
  const chance = dice(keys);
  let lap: number[] = [];
  return () => {
    if (lap.length === 0) lap = shuffled(upTo(keys), chance);
    return lap.pop() ?? 0;
  };
}

function shuffled(items: readonly number[], chance: () => number): number[] {
  const all = [...items];
  for (let last = all.length - 1; last > 0; last--) {
    const other = Math.floor(chance() * (last + 1));
    [all[last], all[other]] = [all[other] ?? 0, all[last] ?? 0];
  }
  return all;
}

/** Numbers from 0 to 1 that come out the same every time (mulberry32). */
function dice(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
