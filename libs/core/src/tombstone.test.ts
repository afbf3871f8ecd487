import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyDocument, fold, type RowChange, type StoredDocument } from './apply.ts';
import { type ChangeEvent, interpretEvent, type ValueDecoder, type WireRow } from './change-event.ts';
import type { CanonicalValue } from './field-type.ts';
import type { Plan } from './plan.ts';
import { advance, judge, type LogPosition, type RowVersion } from './version.ts';

/**
 * A source whose deletes are records without a value: a tombstone has no position, so a connector that starts anew
 * after a crash sends it again with nothing to know it by.
 */

const log = (offset: number, partition = 0): LogPosition => ({
  incarnation: 1,
  partition,
  offset: BigInt(offset),
});
const version = (given: Partial<RowVersion> = {}): RowVersion => ({
  epoch: 1,
  streamed: 20n,
  written: null,
  snapshot: null,
  counter: null,
  log: log(5),
  ...given,
});
const tombstone = (offset: number, epoch = 1) => ({ kind: 'tombstone', epoch, log: log(offset) }) as const;

describe('a tombstone that is a delete', () => {
  it.each<[string, RowVersion | null, ReturnType<typeof tombstone>, string]>([
    ['of a row that was never seen', null, tombstone(1), 'apply'],
    ['further on in the log', version(), tombstone(6), 'apply'],
    ['read again', version(), tombstone(5), 'stale: offset'],
    ['of an older epoch', version({ epoch: 2 }), tombstone(6), 'stale: epoch'],
    ['of a newer epoch', version(), tombstone(1, 2), 'apply'],
    ['where the facade has written', version({ written: 30n }), tombstone(6), 'recheck'],
    ['where the row came by a fresh read', version({ streamed: null, log: null }), tombstone(1), 'apply'],
  ])('%s', (_what, stored, evidence, expected) => {
    const verdict = judge(stored, evidence);
    expect(verdict.kind === 'stale' ? `stale: ${verdict.because}` : verdict.kind).toBe(expected);
  });

  it('is refused in another partition', () => {
    expect(() => judge(version(), { kind: 'tombstone', epoch: 1, log: log(6, 1) })).toThrow(
      expect.objectContaining({ code: 'version_incomparable' }),
    );
  });

  it('leaves the positions as they are, so that a late direct write does not bring the row back', () => {
    const after = advance(version(), tombstone(6));
    expect(after).toEqual(version({ log: log(6) }));
    expect(judge(after, { kind: 'direct', epoch: 1, position: 20n }).kind).toBe('stale');
    expect(judge(after, { kind: 'direct', epoch: 1, position: 21n }).kind).toBe('apply');
  });

  it('lets the state before it come again, and nothing older', () => {
    const after = advance(version(), tombstone(6));
    const streamed = (position: bigint, mayReturn: boolean) =>
      judge(after, { kind: 'streamed', epoch: 1, position, log: log(7), mayReturn }).kind;
    expect(streamed(20n, true)).toBe('apply');
    expect(streamed(20n, false)).toBe('stale');
    expect(streamed(19n, true)).toBe('stale');
  });
});

const PLAN: Plan = {
  unit: 'u',
  owner: 'o',
  description: '',
  mode: 'RW',
  system: 's',
  version: { kind: 'lsn' },
  topic: 't',
  collection: 'c',
  root: {
    table: 's.t',
    key: ['id'],
    fields: ['id', 'v', 'rv'].map((name) => ({
      path: name,
      segments: [name],
      column: name,
      type: { kind: 'long' },
      required: false,
      readOnly: false,
    })),
    ignore: [],
  },
  embeds: [],
  truncate: 'hold',
  reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
  levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1, badShare: 1 },
};
const BY_COLUMN: Plan = { ...PLAN, version: { kind: 'column', column: 'rv' } };

const decode: ValueDecoder = (_type, wire) =>
  wire.value === null ? null : (String(wire.value) as CanonicalValue);
const row = (columns: Record<string, unknown>): WireRow =>
  Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, { value, schema: null }]));

function event(offset: number, given: Partial<ChangeEvent>): ChangeEvent {
  return {
    table: 's.t',
    op: 'update',
    key: row({ id: 1 }),
    before: null,
    after: null,
    position: null,
    committedAt: null,
    log: log(offset),
    calendar: 'proleptic',
    tombstones: true,
    ...given,
  };
}

type Action =
  | { readonly do: 'put'; readonly value: number }
  | { readonly do: 'drop' }
  | { readonly do: 'snapshot' }
  | { readonly do: 'restart'; readonly back: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), value: fc.nat({ max: 99 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('drop' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('snapshot' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const), back: fc.nat({ max: 6 }) }) },
);

/** What the connector writes of one row, and the row's value at the end. */
function logOf(actions: readonly Action[]): { events: readonly ChangeEvent[]; end: number | null } {
  const streamed: Partial<ChangeEvent>[] = [];
  const written: Partial<ChangeEvent>[] = [];
  let value: number | null = null;
  let clock = 0n;
  const write = (of: Partial<ChangeEvent>): void => {
    streamed.push(of);
    written.push(of);
  };
  for (const one of actions) {
    clock += 10n;
    switch (one.do) {
      case 'put':
        value = one.value;
        write({ after: row({ id: 1, v: value, rv: clock }), position: clock });
        break;
      case 'drop':
        if (value !== null) write({ op: 'tombstone' });
        value = null;
        break;
      case 'snapshot':
        if (value !== null) written.push({ ...streamed.at(-1), op: 'read', position: null });
        break;
      case 'restart':
        written.push(...(one.back === 0 ? [] : streamed.slice(-one.back)));
        break;
    }
  }
  return { events: written.map((of, index) => event(index, of)), end: value };
}

function changesOf(plan: Plan, one: ChangeEvent): readonly RowChange[] {
  return interpretEvent(plan, one, 1, decode).changes;
}

describe.each([
  ['the position', PLAN],
  ['a version column', BY_COLUMN],
])('rows that are ordered by %s, with tombstones for deletes', (_what, plan) => {
  it('end as the source has them, however often and from wherever the log is read', () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 14 }),
        fc.array(fc.record({ upTo: fc.nat({ max: 30 }), back: fc.nat({ max: 12 }) }), { maxLength: 4 }),
        (actions, rereads) => {
          const { events, end } = logOf(actions);
          let stored: StoredDocument = emptyDocument(['1']);
          let at = 0;
          const readTo = (to: number): void => {
            const changes = events.slice(at, to).flatMap((one) => changesOf(plan, one));
            stored = fold(stored, changes, (text) => text).document;
            at = Math.max(at, to);
          };
          for (const { upTo, back } of rereads) {
            readTo(Math.min(upTo, events.length));
            at = Math.max(0, at - back);
          }
          readTo(events.length);
          const { root } = stored;
          expect(root?.live === true ? Number(root.content['v']) : null).toBe(end);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('interpretEvent', () => {
  it('takes the position that a tombstone brings along', () => {
    const [change] = changesOf(PLAN, event(3, { op: 'tombstone', position: 40n }));
    expect(change).toMatchObject({
      effect: { kind: 'delete' },
      evidence: { kind: 'streamed', position: 40n },
    });
  });

  it('has only the log to order it by where versions are a column', () => {
    const [change] = changesOf(BY_COLUMN, event(3, { op: 'tombstone', position: 40n }));
    expect(change?.evidence).toEqual({ kind: 'tombstone', epoch: 1, log: log(3) });
  });

  it('refuses a mapped value that is in doubt, and only a mapped one', () => {
    const doubtful = { value: 5, schema: null, doubt: 'it may be NULL' };
    const of = (column: string) =>
      changesOf(
        PLAN,
        event(1, { after: { ...row({ id: 1, v: 1, rv: 1 }), [column]: doubtful }, position: 1n }),
      );
    expect(() => of('v')).toThrow(
      expect.objectContaining({ code: 'value_invalid', message: 'column v of s.t: it may be NULL' }),
    );
    expect(of('other')).toHaveLength(1);
  });
});
