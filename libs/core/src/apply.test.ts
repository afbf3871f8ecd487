import { describe, expect, it } from 'vitest';
import { applyToRow, canonicalText, emptyDocument, fold, type RowChange, type StoredRow } from './apply.ts';
import type { Content } from './field-type.ts';
import type { Evidence, RowVersion } from './version.ts';

const digest = (text: string): string => `#${text}`;
const at = (offset: number): Evidence => ({
  kind: 'streamed',
  epoch: 1,
  position: BigInt(offset),
  log: { incarnation: 1, partition: 0, offset: BigInt(offset) },
});
const version = (offset: number): RowVersion => ({
  epoch: 1,
  streamed: BigInt(offset),
  written: null,
  snapshot: null,
  counter: null,
  log: { incarnation: 1, partition: 0, offset: BigInt(offset) },
});
const upsert = (
  offset: number,
  content: Content,
  given: { unavailable?: string[]; unmapped?: Record<string, unknown> } = {},
): RowChange => ({
  key: [1],
  embed: null,
  evidence: at(offset),
  committedAt: offset * 1_000,
  effect: { kind: 'upsert', content, unavailable: given.unavailable ?? [], unmapped: given.unmapped ?? {} },
});
const remove = (offset: number): RowChange => ({
  key: [1],
  embed: null,
  evidence: at(offset),
  committedAt: offset * 1_000,
  effect: { kind: 'delete', content: { id: 1 }, tiesWin: false },
});
const child = (change: RowChange, no: number): RowChange => ({
  ...change,
  embed: { path: 'rows', childKey: [no] },
});
const stored = (offset: number, content: Content, given: Partial<StoredRow> = {}): StoredRow => ({
  version: version(offset),
  live: true,
  digest: digest(canonicalText(content)),
  incomplete: [],
  doubtful: false,
  content,
  unmapped: {},
  ...given,
});

describe('applyToRow', () => {
  it('writes a first row whole, with its digest and version', () => {
    expect(applyToRow(null, upsert(5, { id: 1, a: 'x' }), digest)).toEqual({
      outcome: 'applied',
      row: stored(5, { id: 1, a: 'x' }),
    });
  });

  it('gives the same object back for a stale change', () => {
    const before = stored(5, { id: 1 });
    expect(applyToRow(before, upsert(5, { id: 2 }), digest)).toEqual({ outcome: 'stale', row: before });
    expect(applyToRow(before, upsert(4, { id: 2 }), digest).row).toBe(before);
  });

  it('calls a newer row of the same content unchanged, and keeps its version', () => {
    const { row, outcome } = applyToRow(stored(5, { id: 1 }), upsert(6, { id: 1 }), digest);
    expect(outcome).toBe('unchanged');
    expect(row?.version).toEqual(version(6));
  });

  it('calls a changed unknown column applied', () => {
    const before = stored(5, { id: 1 }, { unmapped: { extra: 'a' } });
    expect(applyToRow(before, upsert(6, { id: 1 }, { unmapped: { extra: 'a' } }), digest).outcome).toBe(
      'unchanged',
    );
    const { row, outcome } = applyToRow(before, upsert(6, { id: 1 }, { unmapped: { extra: 'b' } }), digest);
    expect(outcome).toBe('applied');
    expect(row?.unmapped).toEqual({ extra: 'b' });
  });

  it('keeps the stored value of a column that was left out, and its digest is that of the whole', () => {
    const before = stored(5, { id: 1, a: 'x', big: 'B' });
    const { row } = applyToRow(before, upsert(6, { id: 1, a: 'y' }, { unavailable: ['big'] }), digest);
    expect(row).toEqual(stored(6, { id: 1, a: 'y', big: 'B' }));
  });

  it('keeps a stored null of a column that was left out', () => {
    const before = stored(5, { id: 1, big: null });
    const { row } = applyToRow(before, upsert(6, { id: 1 }, { unavailable: ['big'] }), digest);
    expect(row?.incomplete).toEqual([]);
    expect(row?.content).toEqual({ id: 1, big: null });
  });

  it('marks a row incomplete when nobody ever carried the column, until somebody does', () => {
    const first = applyToRow(null, upsert(5, { id: 1 }, { unavailable: ['big'] }), digest).row;
    expect(first).toMatchObject({ incomplete: ['big'], digest: null, content: { id: 1 } });
    const second = applyToRow(first, upsert(6, { id: 1 }, { unavailable: ['big'] }), digest);
    expect(second).toMatchObject({ outcome: 'applied', row: { incomplete: ['big'] } });
    expect(applyToRow(first, upsert(7, { id: 1, big: 'B' }), digest).row).toEqual(
      stored(7, { id: 1, big: 'B' }),
    );
  });

  it('makes a tombstone of the key, and nothing of the old row shines through what comes after', () => {
    const before = stored(5, { id: 1, big: 'B' }, { unmapped: { extra: 1 } });
    const gone = applyToRow(before, remove(6), digest);
    expect(gone).toEqual({
      outcome: 'applied',
      row: {
        version: version(6),
        live: false,
        digest: null,
        incomplete: [],
        doubtful: false,
        content: { id: 1 },
        unmapped: {},
      },
    });
    expect(applyToRow(gone.row, upsert(5, { id: 1, big: 'B' }), digest).outcome).toBe('stale');
    expect(applyToRow(gone.row, upsert(7, { id: 1 }, { unavailable: ['big'] }), digest).row).toMatchObject({
      live: true,
      incomplete: ['big'],
      content: { id: 1 },
    });
  });

  it('keeps a tombstone for a row that was never seen, so that its late insert is stale', () => {
    const gone = applyToRow(null, remove(6), digest).row;
    expect(applyToRow(gone, upsert(5, { id: 1 }), digest).outcome).toBe('stale');
  });

  describe('a snapshot row over a direct write', () => {
    const read: RowChange = {
      ...upsert(9, { id: 1 }),
      evidence: {
        kind: 'snapshot',
        epoch: 1,
        position: 8n,
        log: version(9).log ?? { incarnation: 1, partition: 0, offset: 9n },
      },
    };
    const written: RowVersion = { ...version(5), written: 7n };

    it('is unchanged when the digests agree', () => {
      const before = stored(5, { id: 1 }, { version: written });
      expect(applyToRow(before, read, digest)).toEqual({
        outcome: 'unchanged',
        row: { ...before, version: { ...written, snapshot: 8n, log: version(9).log } },
      });
    });
    it('puts the row in doubt when they differ, once for the record', () => {
      const before = stored(5, { id: 2 }, { version: written });
      const { row, outcome } = applyToRow(before, read, digest);
      expect(outcome).toBe('recheck');
      expect(row).toEqual({
        ...before,
        doubtful: true,
        version: { ...written, snapshot: 8n, log: version(9).log },
      });
      expect(applyToRow(row, read, digest)).toEqual({ outcome: 'stale', row });
    });

    it('is in doubt until a newer state comes whole, or the source has been asked', () => {
      const doubtful = stored(5, { id: 1, big: 'B' }, { version: written, doubtful: true });
      expect(applyToRow(doubtful, upsert(10, { id: 1, big: 'C' }), digest).row).toMatchObject({
        doubtful: false,
        incomplete: [],
      });
      const half = applyToRow(doubtful, upsert(10, { id: 1 }, { unavailable: ['big'] }), digest).row;
      expect(half).toMatchObject({ doubtful: false, incomplete: ['big'] });
      const asked: RowChange = { ...upsert(0, { id: 1, big: 'B' }), evidence: { kind: 'fresh', epoch: 1 } };
      expect(applyToRow(doubtful, asked, digest)).toEqual({
        outcome: 'unchanged',
        row: { ...doubtful, doubtful: false },
      });
    });

    it('is not settled by a direct write, which may be older than what put it in doubt', () => {
      const doubtful = stored(5, { id: 1 }, { version: written, doubtful: true });
      const direct: RowChange = {
        ...upsert(0, { id: 2 }),
        evidence: { kind: 'direct', epoch: 1, position: 9n },
      };
      expect(applyToRow(doubtful, direct, digest)).toMatchObject({
        outcome: 'applied',
        row: { doubtful: true, content: { id: 2 }, version: { written: 9n } },
      });
    });

    it('puts a tombstone in doubt too', () => {
      const before = { ...stored(5, { id: 1 }, { version: written }), live: false, digest: null };
      expect(applyToRow(before, read, digest)).toMatchObject({ outcome: 'recheck', row: { doubtful: true } });
    });
  });
});

describe('a change of which nothing but the row is known', () => {
  const unknown: RowChange = {
    ...upsert(0, {}),
    evidence: { kind: 'fresh', epoch: 1 },
    effect: { kind: 'unknown', content: { id: 1 } },
  };

  it('puts the row in doubt and leaves the rest of it as it is', () => {
    const before = stored(5, { id: 1, a: 'x' });
    expect(applyToRow(before, unknown, digest)).toEqual({
      outcome: 'recheck',
      row: { ...before, doubtful: true },
    });
  });
  it('is written anew for a row in doubt, so that a read of the source from before does not settle it', () => {
    const before = stored(5, { id: 1 }, { doubtful: true });
    expect(applyToRow(before, unknown, digest).row).not.toBe(before);
  });
  it('keeps a place for a row that was never seen, which any event beats', () => {
    const { row } = applyToRow(null, unknown, digest);
    expect(row).toMatchObject({ live: false, doubtful: true, content: { id: 1 } });
    expect(applyToRow(row, upsert(1, { id: 1 }), digest)).toEqual({
      outcome: 'applied',
      row: stored(1, { id: 1 }),
    });
  });
});

describe('fold', () => {
  it('keeps rows apart: the parent, each child by its key, each by its own version', () => {
    const changes = [
      child(upsert(9, { no: 1 }), 1),
      upsert(3, { id: 1 }),
      child(upsert(2, { no: 2 }), 2),
      child(upsert(8, { no: 1, v: 0 }), 1),
    ];
    const { document, outcomes, dirty } = fold(emptyDocument([1]), changes, digest);
    expect(outcomes).toEqual(['applied', 'applied', 'applied', 'stale']);
    expect(dirty).toBe(true);
    expect(document).toEqual({
      key: [1],
      revision: null,
      root: stored(3, { id: 1 }),
      embeds: { rows: { 1: stored(9, { no: 1 }), 2: stored(2, { no: 2 }) } },
      committedAt: 9_000,
    });
  });

  it('answers the stored document itself when nothing is to be written', () => {
    const before = { ...emptyDocument([1]), revision: 4, root: stored(5, { id: 1 }), committedAt: 5_000 };
    const { document, dirty } = fold(before, [upsert(5, { id: 1 }), remove(4)], digest);
    expect(document).toBe(before);
    expect(dirty).toBe(false);
  });

  it('does not touch what it was given', () => {
    const before = Object.freeze({
      ...emptyDocument([1]),
      embeds: Object.freeze({ rows: Object.freeze({ 1: Object.freeze(stored(1, { no: 1 })) }) }),
    });
    fold(before, [child(upsert(2, { no: 1 }), 1), child(upsert(2, { no: 2 }), 2)], digest);
    expect(Object.keys(before.embeds.rows)).toEqual(['1']);
  });

  it.each([
    ['the log goes on', 1, undefined, { id: 1, big: 'kept' }, []],
    ['changes are missing in between', 1, 6n, { id: 1 }, ['big']],
    ['the change is of another epoch, whatever the offsets', 2, undefined, { id: 1 }, ['big']],
  ])('leans on a stored value that a change leaves out only where %s', (_when, epoch, end, ...ends) => {
    const before = { ...emptyDocument([1]), root: stored(5, { id: 1, big: 'kept' }) };
    const change = upsert(7, { id: 1 }, { unavailable: ['big'] });
    const given = { ...change, evidence: { ...change.evidence, epoch } };
    const gaps = new Map(end === undefined ? [] : [[null, new Map([[0, end]])]]);
    const { root } = fold(before, [given], digest, gaps).document;
    expect([root?.content, root?.incomplete]).toEqual(ends);
  });

  it('never lowers the commit time of the newest change', () => {
    const { document } = fold(
      emptyDocument([1]),
      [child(upsert(9, { no: 1 }), 1), upsert(3, { id: 1 })],
      digest,
    );
    expect(document.committedAt).toBe(9_000);
    const unknown = fold(document, [{ ...upsert(20, { id: 1 }), committedAt: null }], digest);
    expect(unknown.document.committedAt).toBe(9_000);
  });
});

describe('canonicalText', () => {
  it('does not depend on the order of the members', () => {
    expect(canonicalText({ b: 1, a: null })).toBe(canonicalText({ a: null, b: 1 }));
  });
  it('tells null, texts and numbers apart', () => {
    const texts = [{ a: null }, { a: 'null' }, { a: 0 }, { a: '0' }, { a: false }, {}].map(canonicalText);
    expect(new Set(texts).size).toBe(texts.length);
  });
});
