import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyDocument, fold, type RowChange, type StoredDocument, type StoredRow } from './apply.ts';
import {
  type ChangeEvent,
  interpretEvent,
  UNAVAILABLE,
  type ValueDecoder,
  type WireRow,
} from './change-event.ts';
import type { CanonicalValue, Content, FieldType } from './field-type.ts';
import { keyText } from './key.ts';
import type { Field, Plan, VersionSource } from './plan.ts';

/**
 * The property that must hold: any interleaving, duplication, replay from any earlier offset and cut into batches
 * ends in the source's rows. A model of a source with a parent and a child table makes the log; a model of a
 * consumer reads it in any way that Kafka and a crashing connector allow.
 */

const INT: FieldType = { kind: 'int' };
const LONG: FieldType = { kind: 'long' };
const TEXT: FieldType = { kind: 'string', trim: false, length: null };

function field(path: string, type: FieldType): Field {
  return { path, segments: [path], column: path, type, required: false, readOnly: false };
}

function planOf(version: VersionSource): Plan {
  return {
    unit: 'u',
    owner: 'o',
    description: '',
    mode: 'RW',
    system: 's',
    version,
    topic: 't.s.parent',
    collection: 'c',
    root: {
      table: 's.parent',
      key: ['id'],
      fields: [field('id', INT), field('small', INT), field('big', TEXT), field('rv', LONG)],
      ignore: [],
    },
    embeds: [
      {
        path: 'rows',
        table: 's.child',
        topic: 't.s.child',
        parentKey: ['parent'],
        key: ['no'],
        cardinality: 'many',
        fields: [field('no', INT), field('v', INT)],
        ignore: [],
      },
    ],
    reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
    levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1 },
  };
}

interface Parent {
  readonly id: number;
  readonly small: number;
  readonly big: string;
  readonly rv: string;
}
interface Child {
  readonly no: number;
  readonly parent: number;
  readonly v: number;
}

type Action =
  | { readonly do: 'put-parent'; readonly id: number; readonly value: number; readonly touchesBig: boolean }
  | { readonly do: 'drop-parent'; readonly id: number }
  | { readonly do: 'put-child'; readonly no: number; readonly parent: number; readonly value: number }
  | { readonly do: 'drop-child'; readonly no: number }
  | { readonly do: 'snapshot'; readonly table: 'parent' | 'child'; readonly position: bigint | null }
  | { readonly do: 'restart'; readonly back: number };

/** Rows before the first event, what happened since, and how the log's positions jump (up within a key only). */
interface History {
  readonly parents: readonly number[];
  readonly children: readonly (readonly [no: number, parent: number])[];
  readonly actions: readonly Action[];
  readonly jumps: readonly number[];
  /** Is the version set by an AFTER trigger? Then each change is two events, the first with the old version or none. */
  readonly trigger: boolean;
}

const PARTITIONS = 2;

/** A source and its connector. Events of a row go to the partition of its own primary key, one topic a table. */
class Source {
  readonly parents = new Map<number, Parent>();
  readonly children = new Map<number, Child>();
  readonly lanes = new Map<string, ChangeEvent[]>();
  readonly #streamed: ChangeEvent[] = [];
  readonly #positions = new Map<string, bigint>();
  readonly #jumps: readonly number[];
  readonly #trigger: boolean;
  #sequence = 0n;

  constructor(history: History) {
    this.#jumps = history.jumps;
    this.#trigger = history.trigger;
    for (const id of history.parents) this.parents.set(id, this.#parent(id, 0, `big${id}`));
    for (const [no, parent] of history.children) this.children.set(no, { no, parent, v: 0 });
    for (const action of history.actions) this.#act(action);
    // Rows that were there before the log are known only by a snapshot, which comes some time.
    for (const table of ['parent', 'child'] as const) this.#act({ do: 'snapshot', table, position: null });
  }

  #act(action: Action): void {
    switch (action.do) {
      case 'put-parent': {
        const before = this.parents.get(action.id);
        const big = before === undefined || action.touchesBig ? `big${action.value}` : before.big;
        const row = this.#parent(action.id, action.value, big);
        this.parents.set(action.id, row);
        const op = before === undefined ? 'create' : 'update';
        if (this.#trigger) {
          this.#stream('parent', op, action.id, before ?? null, { ...row, rv: before?.rv ?? null });
          this.#stream('parent', 'update', action.id, row, row);
          return;
        }
        const sent = before !== undefined && before.big === big ? { ...row, big: UNAVAILABLE } : row;
        this.#stream('parent', op, action.id, null, sent);
        return;
      }
      case 'drop-parent': {
        const before = this.parents.get(action.id);
        if (before === undefined) return;
        this.parents.delete(action.id);
        this.#stream('parent', 'delete', action.id, before, null);
        return;
      }
      case 'put-child': {
        const before = this.children.get(action.no) ?? null;
        const row = { no: action.no, parent: action.parent, v: action.value };
        this.children.set(action.no, row);
        this.#stream('child', before === null ? 'create' : 'update', action.no, before, row);
        return;
      }
      case 'drop-child': {
        const before = this.children.get(action.no);
        if (before === undefined) return;
        this.children.delete(action.no);
        this.#stream('child', 'delete', action.no, before, null);
        return;
      }
      case 'snapshot': {
        const rows = action.table === 'parent' ? this.parents : this.children;
        for (const [key, row] of rows)
          this.#append({ ...this.#event(action.table, 'read', key, null, row), position: action.position });
        return;
      }
      case 'restart':
        for (const event of action.back === 0 ? [] : this.#streamed.slice(-action.back)) this.#append(event);
    }
  }

  #parent(id: number, small: number, big: string): Parent {
    this.#sequence += 1n;
    return { id, small, big, rv: String(this.#sequence) };
  }

  #stream(
    table: string,
    op: ChangeEvent['op'],
    key: number,
    before: object | null,
    after: object | null,
  ): void {
    const row = `${table}${key}`;
    const jump = this.#jumps[this.#streamed.length % this.#jumps.length] ?? 1;
    const position = (this.#positions.get(row) ?? 0n) + BigInt(jump);
    this.#positions.set(row, position);
    const event = { ...this.#event(table, op, key, before, after), position };
    this.#streamed.push(event);
    this.#append(event);
  }

  #event(
    table: string,
    op: ChangeEvent['op'],
    key: number,
    before: object | null,
    after: object | null,
  ): ChangeEvent {
    const log = { incarnation: 1, partition: key % PARTITIONS, offset: 0n };
    const own = { [table === 'parent' ? 'id' : 'no']: key };
    return {
      table: `s.${table}`,
      op,
      key: wire(own),
      before: before === null ? null : wire(before),
      after: after === null ? null : wire(after),
      position: null,
      calendar: 'proleptic',
      committedAt: null,
      log,
    };
  }

  #append(event: ChangeEvent): void {
    const name = `${event.table}/${event.log.partition}`;
    const lane = this.lanes.get(name) ?? [];
    // Offsets have gaps.
    lane.push({ ...event, log: { ...event.log, offset: BigInt(lane.length * 2) } });
    this.lanes.set(name, lane);
  }
}

function wire(row: object): WireRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, { value, schema: null }]));
}

const decode: ValueDecoder = (_type, { value }) => value as CanonicalValue | typeof UNAVAILABLE;

/** One read of the consumer: of which lane, after a rewind by how much, and how many records at once. */
interface Read {
  readonly lane: number;
  readonly rewind: number;
  readonly count: number;
}

/** Reads the log as told, then to its end, and answers the documents. */
function consume(plan: Plan, source: Source, reads: readonly Read[]): Map<string, StoredDocument> {
  const documents = new Map<string, StoredDocument>();
  const names = [...source.lanes.keys()].sort();
  const committed = new Map(names.map((name) => [name, 0]));
  const read = (name: string, rewind: number, count: number): void => {
    const from = Math.max(0, (committed.get(name) ?? 0) - rewind);
    const events = (source.lanes.get(name) ?? []).slice(from, from + count);
    applyBatch(plan, documents, events);
    committed.set(name, from + events.length);
  };
  for (const { lane, rewind, count } of reads) {
    const name = names[lane % names.length];
    if (name !== undefined) read(name, rewind, count);
  }
  for (const name of names) read(name, 0, Number.MAX_SAFE_INTEGER);
  return documents;
}

function applyBatch(
  plan: Plan,
  documents: Map<string, StoredDocument>,
  events: readonly ChangeEvent[],
): void {
  const changes = events.flatMap((event) => interpretEvent(plan, event, 1, decode).changes);
  for (const [text, own] of Map.groupBy(changes, (change: RowChange) => keyText(change.key))) {
    const before = documents.get(text) ?? emptyDocument(own[0]?.key ?? []);
    const { document } = fold(before, own, (content) => content);
    for (const [old, row] of pairs(before, document)) {
      const was = old?.version?.streamed ?? null;
      const is = row.version?.streamed ?? null;
      if (was !== null && (is === null || is < was))
        throw new Error(`s of ${text} went from ${was} to ${is}`);
    }
    documents.set(text, document);
  }
}

function pairs(before: StoredDocument, after: StoredDocument): [StoredRow | null, StoredRow][] {
  const rows = Object.entries(after.embeds.rows ?? {}).map(([key, row]): [StoredRow | null, StoredRow] => [
    before.embeds.rows?.[key] ?? null,
    row,
  ]);
  return after.root === null ? rows : [...rows, [before.root, after.root]];
}

/** Live rows by document, as the source has them and as the documents have them. */
interface Rows {
  root: Content | null;
  readonly rows: Record<string, Content>;
}

function truth(source: Source): Record<string, Rows> {
  const found: Record<string, Rows> = {};
  const at = (id: number): Rows => {
    found[id] ??= { root: null, rows: {} };
    return found[id];
  };
  for (const row of source.parents.values()) at(row.id).root = { ...row };
  for (const { no, parent, v } of source.children.values()) at(parent).rows[no] = { no, v };
  return found;
}

function stored(documents: ReadonlyMap<string, StoredDocument>): Record<string, Rows> {
  const found: Record<string, Rows> = {};
  for (const [key, document] of documents) {
    const live = Object.entries(document.embeds.rows ?? {}).filter(([, row]) => row.live);
    const root = document.root?.live === true ? document.root : null;
    expect(root?.incomplete ?? []).toEqual([]);
    if (root === null && live.length === 0) continue;
    found[key] = {
      root: root?.content ?? null,
      rows: Object.fromEntries(live.map(([no, row]) => [no, row.content])),
    };
  }
  return found;
}

const id = fc.nat(2);
const no = fc.nat(3);
const value = fc.nat(5);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('put-parent' as const), id, value, touchesBig: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop-parent' as const), id }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put-child' as const), no, parent: id, value }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop-child' as const), no }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('snapshot' as const),
      table: fc.constantFrom('parent' as const, 'child' as const),
      position: fc.option(fc.bigInt({ min: 0n, max: 200n })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), back: fc.nat(12) }) },
);
const historyOf = (version: VersionSource): fc.Arbitrary<History> =>
  fc.record({
    parents: fc.uniqueArray(id),
    children: fc.uniqueArray(fc.tuple(no, id), { selector: ([first]) => first }),
    actions: fc.array(action, { maxLength: 40 }),
    jumps: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
    trigger: version.kind === 'column' ? fc.boolean() : fc.constant(false),
  });
const reads: fc.Arbitrary<readonly Read[]> = fc.array(
  fc.record({
    lane: fc.nat(3),
    rewind: fc.oneof(fc.constant(0), fc.nat(60)),
    count: fc.integer({ min: 1, max: 12 }),
  }),
  { maxLength: 30 },
);

describe.each<VersionSource>([{ kind: 'lsn' }, { kind: 'column', column: 'rv' }])(
  'a unit ordered by $kind',
  (version) => {
    const plan = planOf(version);
    const history = historyOf(version);

    it('ends in the rows of the source, however its log is read', () => {
      fc.assert(
        fc.property(history, reads, (given, read) => {
          const source = new Source(given);
          expect(stored(consume(plan, source, read))).toEqual(truth(source));
        }),
        { numRuns: 500 },
      );
    }, 30_000);

    it('changes nothing when the whole log is read again', () => {
      fc.assert(
        fc.property(history, (given) => {
          const source = new Source(given);
          const documents = consume(plan, source, []);
          const before = structuredClone([...documents]);
          for (const lane of source.lanes.values()) applyBatch(plan, documents, lane);
          expect([...documents]).toEqual(before);
        }),
        { numRuns: 200 },
      );
    });
  },
);
