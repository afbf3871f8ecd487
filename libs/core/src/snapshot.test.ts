import { describe, expect, it } from 'vitest';
import type { TableSnapshot } from './ports/replication.ts';
import {
  nextSnapshotStep,
  SILENT_MS,
  type SnapshotFacts,
  type SnapshotStep,
  UNANSWERED_MS,
} from './snapshot.ts';

const START = Date.UTC(2026, 0, 1);
const at = (ms: number): string => new Date(START + ms).toISOString();

const ORDERED: TableSnapshot = {
  ...{ unit: 'orders', table: 'public.order', version: 2, orderedAfter: '0' },
  ...{ requestedAt: at(0), startedAt: null, progressAt: null, scannedAt: null, scanEnds: null },
  ...{ completedAt: null, failure: null, total: null, rows: 0 },
};
const STARTED: TableSnapshot = { ...ORDERED, startedAt: at(1_000), progressAt: at(1_000) };
const SCANNED: TableSnapshot = { ...STARTED, scannedAt: at(2_000), scanEnds: { '0': '7' } };
const COMPLETE: TableSnapshot = { ...SCANNED, completedAt: at(3_000) };
const FACTS: SnapshotFacts = {
  wanted: 2,
  now: START + 5_000,
  lastSign: 0,
  isApplied: false,
  isSwept: true,
  anew: 0,
};

interface Case {
  readonly what: string;
  readonly one: TableSnapshot | undefined;
  readonly facts?: Partial<SnapshotFacts>;
  readonly step: SnapshotStep;
}

const cases: readonly Case[] = [
  { what: 'none yet', one: undefined, step: 'order' },
  { what: 'noted but never ordered', one: { ...ORDERED, requestedAt: null }, step: 'order' },
  { what: 'just ordered', one: ORDERED, step: 'wait' },
  {
    what: 'ordered and not taken up',
    one: ORDERED,
    facts: { now: START + UNANSWERED_MS + 1 },
    step: 'order',
  },
  {
    what: 'not taken up while another table is read',
    one: ORDERED,
    facts: { now: START + UNANSWERED_MS + 1, lastSign: START + UNANSWERED_MS },
    step: 'wait',
  },
  { what: 'between two chunks', one: STARTED, facts: { now: START + SILENT_MS }, step: 'wait' },
  {
    what: 'forgotten by its connector',
    one: STARTED,
    facts: { now: START + SILENT_MS + 1_001 },
    step: 'order',
  },
  { what: 'read and not applied, however long', one: SCANNED, facts: { now: START + 1e9 }, step: 'wait' },
  { what: 'read and applied', one: SCANNED, facts: { isApplied: true }, step: 'close' },
  {
    what: 'read and applied, after the place in the log was lost',
    one: SCANNED,
    facts: { isApplied: true, isSwept: false },
    step: 'sweep',
  },
  { what: 'read and not applied, nor swept', one: SCANNED, facts: { isSwept: false }, step: 'wait' },
  { what: 'complete', one: COMPLETE, step: 'done' },
  { what: 'of an older plan, complete', one: COMPLETE, facts: { wanted: 3 }, step: 'order' },
  { what: 'of an older plan, read', one: SCANNED, facts: { wanted: 3 }, step: 'order' },
  { what: 'of an older plan, still running', one: STARTED, facts: { wanted: 3 }, step: 'wait' },
  {
    what: 'of an older plan, ordered before the connector began anew',
    one: STARTED,
    facts: { wanted: 3, anew: START + 4_000 },
    step: 'order',
  },
  {
    what: 'of an older plan, ordered since the connector began anew',
    one: STARTED,
    facts: { wanted: 3, anew: START - 1 },
    step: 'wait',
  },
  { what: 'ordered since, by another clock', one: STARTED, facts: { anew: START + 4_000 }, step: 'wait' },
  {
    what: 'of an older plan, forgotten',
    one: STARTED,
    facts: { wanted: 3, now: START + SILENT_MS + 1_001 },
    step: 'order',
  },
];

describe('a snapshot that is', () => {
  it.each(cases)('$what: $step', ({ one, facts, step }) => {
    expect(nextSnapshotStep(one, { ...FACTS, ...facts })).toBe(step);
  });
});
