import { describe, expect, it } from 'vitest';
import { documentOf, envelopeOf, eventText } from './order-row.ts';
import { repeatShare } from './sequence.ts';
import { changesOf } from './spec.ts';

const KEYS = 50_000;
const EVENTS = 200_000;

describe('a mixed backlog', () => {
  const changes = changesOf({ kind: 'mixed', keys: KEYS, events: EVENTS });
  it('updates every key about as often as any other', () => {
    const updates = changes.filter(({ op }) => op === 'u');
    const times = [...Map.groupBy(updates, ({ id }) => id).values()].map((own) => own.length);
    expect([Math.min(...times), Math.max(...times), times.length]).toEqual([3, 4, KEYS]);
  });
  it('inserts keys that were not there', () => {
    const ids = changes.filter(({ op }) => op === 'c').map(({ id }) => id);
    expect(new Set(ids).size).toBe(EVENTS / 5);
    expect(Math.min(...ids)).toBe(KEYS);
  });
  it('repeats less than 2 % of the keys of a batch', () => {
    expect(repeatShare(changes)).toBeLessThan(0.02);
  });
  it('goes on where the first lives of its keys end, in each partition', () => {
    const all = [
      ...changesOf({ kind: 'seed', keys: 10, events: 0 }),
      ...changesOf({ kind: 'mixed', keys: 10, events: 100 }),
    ];
    for (const own of Map.groupBy(all, ({ partition }) => partition).values())
      expect(own.map(({ offset }) => offset)).toEqual(own.map((_, index) => index));
    expect(all.map(({ number }) => number)).toEqual(all.map((_, index) => index));
  });
  it('has events of the size of real ones', () => {
    const sizes = changes.slice(0, 1_000).map((change) => eventText(envelopeOf(change)).length);
    expect(Math.min(...sizes)).toBeGreaterThan(630);
    expect(Math.max(...sizes)).toBeLessThan(670);
  });
});

it('a repeated backlog has four changes of each key in a batch', () => {
  expect(repeatShare(changesOf({ kind: 'repeated', keys: KEYS, events: EVENTS }))).toBe(0.75);
});

it('the same change is the same event and document everywhere', () => {
  const [one] = changesOf({ kind: 'mixed', keys: 8, events: 8 });
  const [other] = changesOf({ kind: 'mixed', keys: 8, events: 8 });
  expect(one).toBeDefined();
  expect(one).toEqual(other);
  if (one !== undefined && other !== undefined) {
    expect(envelopeOf(one)).toEqual(envelopeOf(other));
    expect(documentOf(one)).toEqual(documentOf(other));
  }
});
