import { describe, expect, it } from 'vitest';
import { judgeForward, judgeReverse, type Marker } from './reverse.ts';
import type { RowVersion } from './version.ts';

const version = (epoch: number, counter: bigint | null): RowVersion => ({
  ...{ epoch, counter, streamed: null, written: null, snapshot: null, log: null },
});
const marker = (given: Partial<Marker> = {}): Marker => ({
  ...{ transaction: 'tx7', epoch: 2, counter: 7n, digest: 'as it was written' },
  ...given,
});

describe('judgeReverse', () => {
  it.each([
    ['a state of an epoch of legacy', version(1, null), null, 'foreign'],
    ['a document without a version', null, null, 'foreign'],
    ['the first state that is written', version(2, 1n), null, 'apply'],
    ['a newer state', version(2, 8n), marker(), 'apply'],
    ['the same state again', version(2, 7n), marker(), 'stale'],
    ['an older state', version(2, 6n), marker(), 'stale'],
    ['a state of an epoch before', version(2, 99n), marker({ epoch: 4 }), 'stale'],
    ['the first state of a later epoch', version(4, 1n), marker(), 'apply'],
  ] as const)('%s', (_what, own, last, verdict) => {
    expect(judgeReverse(own, last, 'as it was written').kind).toBe(verdict);
  });

  it('writes over nothing that it has not written itself', () => {
    expect(judgeReverse(version(2, 8n), marker(), 'by somebody else').kind).toBe('conflict');
    expect(judgeReverse(version(2, 8n), marker(), null).kind).toBe('conflict');
    expect(judgeReverse(version(2, 8n), marker({ digest: null }), null).kind).toBe('apply');
  });

  it('takes what legacy has committed in an epoch of its own as it is', () => {
    expect(judgeReverse(version(4, 1n), marker(), 'by a client of legacy').kind).toBe('apply');
  });
});

describe('judgeForward', () => {
  it.each([
    ['a change while legacy is the authority', 'legacy', null, 'a', 'apply'],
    ['what the reverse leg wrote', 'mongodb', marker({ digest: 'a' }), 'a', 'echo'],
    ['a deletion by the reverse leg', 'mongodb', marker({ digest: null }), null, 'echo'],
    ['what a trigger made of it', 'mongodb', marker({ digest: 'a' }), 'b', 'drift'],
    ['what nobody has a marker of', 'mongodb', null, 'a', 'rogue'],
  ] as const)('%s', (_what, authority, found, digest, verdict) => {
    expect(judgeForward(authority, found, digest).kind).toBe(verdict);
  });
});
