import fc from 'fast-check';
import { isUnsound, needsSource } from '#core/apply';
import type { Content } from '#core/field-type';
import { ConsumerModel } from './consumer.ts';
import { contentOf, historyPlan, type Ordering, type TableName } from './shape.ts';
import { type Put, SourceModel } from './source.ts';

/** What happens next, at the source, on the way, or at MongoDB. Transactions and lanes are named by number. */
type Action =
  | ({ readonly do: 'put'; readonly tx: number } & Put)
  /** A transaction of one statement, by the API or by others. */
  | ({ readonly do: 'write'; readonly direct: boolean } & Put)
  | { readonly do: 'drop'; readonly tx: number; readonly table: TableName; readonly key: number }
  | {
      readonly do: 'rename';
      readonly tx: number;
      readonly table: TableName;
      readonly keys: readonly [number, number];
      readonly carries: boolean;
    }
  | { readonly do: 'copy'; readonly tx: number; readonly keys: readonly number[]; readonly value: number }
  | { readonly do: 'commit'; readonly tx: number; readonly direct: boolean }
  | { readonly do: 'rollback'; readonly tx: number }
  | { readonly do: 'capture' | 'lose' | 'renew' | 'replace' | 'read-chunk' | 'close-chunk' | 'crash' }
  | { readonly do: 'open-chunk' | 'make'; readonly table: TableName }
  | { readonly do: 'overlook'; readonly lanes: readonly number[]; readonly count: number }
  | { readonly do: 'restart'; readonly back: number }
  | { readonly do: 'take'; readonly lanes: readonly number[]; readonly count: number }
  | { readonly do: 'save'; readonly at: number; readonly most: number }
  | { readonly do: 'reassign'; readonly lane: number; readonly back: number }
  | { readonly do: 'deliver'; readonly at: number; readonly again: boolean }
  | { readonly do: 'mend'; readonly at: number }
  | { readonly do: 'spoil'; readonly lane: number; readonly ahead: number; readonly opaque: boolean }
  | { readonly do: 'settle-letter'; readonly at: number; readonly what: 'replay' | 'discard' };

export interface History {
  readonly trigger: boolean;
  readonly initial: boolean;
  readonly actions: readonly Action[];
  /** Do the direct writes that are still on their way at the end arrive, or has the API died? */
  readonly lost: boolean;
}

/** Few keys, so that everything meets. */
const key = fc.nat(1);
const no = fc.nat(2);
const tx = fc.nat(2);
const value = fc.nat(9);
const table = fc.constantFrom<TableName>('parent', 'child');
const flag = fc.boolean();
const often = fc.integer({ min: 0, max: 3 }).map((one) => one === 0);
const put = { table, key: no, parent: key, value, touches: flag, carries: often };
const lanes = fc.array(fc.nat(3), { minLength: 1, maxLength: 4 });
const said = <const T extends string>(what: T) => ({ do: fc.constant(what) });

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ ...said('put'), tx, ...put }) },
  { weight: 16, arbitrary: fc.record({ ...said('write'), direct: often, ...put }) },
  { weight: 3, arbitrary: fc.record({ ...said('drop'), tx, table, key: no }) },
  {
    weight: 3,
    arbitrary: fc.record({ ...said('rename'), tx, table, keys: fc.tuple(no, no), carries: flag }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ ...said('copy'), tx, keys: fc.uniqueArray(no, { maxLength: 3 }), value }),
  },
  { weight: 9, arbitrary: fc.record({ ...said('commit'), tx, direct: flag }) },
  { weight: 1, arbitrary: fc.record({ ...said('rollback'), tx }) },
  { weight: 6, arbitrary: fc.record(said('capture')) },
  { weight: 1, arbitrary: fc.record(said('lose')) },
  { weight: 1, arbitrary: fc.record(said('renew')) },
  { weight: 1, arbitrary: fc.record(said('replace')) },
  { weight: 1, arbitrary: fc.record({ ...said('make'), table }) },
  {
    weight: 1,
    arbitrary: fc.record({ ...said('overlook'), lanes, count: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 2, arbitrary: fc.record({ ...said('open-chunk'), table }) },
  { weight: 2, arbitrary: fc.record(said('read-chunk')) },
  { weight: 2, arbitrary: fc.record(said('close-chunk')) },
  { weight: 1, arbitrary: fc.record({ ...said('restart'), back: fc.nat(6) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      ...said('take'),
      lanes,
      count: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ ...said('save'), at: fc.nat(3), most: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ ...said('reassign'), lane: fc.nat(3), back: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record(said('crash')) },
  { weight: 4, arbitrary: fc.record({ ...said('deliver'), at: fc.nat(5), again: flag }) },
  { weight: 2, arbitrary: fc.record({ ...said('mend'), at: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({ ...said('spoil'), lane: fc.nat(3), ahead: fc.nat(3), opaque: flag }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...said('settle-letter'),
      ...{ at: fc.nat(3), what: fc.constantFrom<'replay' | 'discard'>('replay', 'discard') },
    }),
  },
);

export const history: fc.Arbitrary<History> = fc.record({
  trigger: flag,
  initial: flag,
  actions: fc.array(action, { maxLength: 100, size: 'max' }),
  lost: flag,
});

/** Live rows by document, as the source has them and as the documents have them. */
export type Rows = Readonly<Record<string, { root: Content | null; readonly rows: Record<string, Content> }>>;

export interface Ending {
  readonly truth: Rows;
  readonly stored: Rows;
  /** Reads everything once more, from the beginning of the log, and answers the same of that. */
  readonly readAgain: () => Pick<Ending, 'truth' | 'stored'>;
}

/** Lets a history happen, until everything has come to rest. */
export function play(ordering: Ordering, { trigger, initial, actions, lost }: History): Ending {
  const source = new SourceModel({ ordering, trigger, initial });
  const consumer = new ConsumerModel(historyPlan(ordering), source);
  for (const one of actions) step(source, consumer, one);
  source.finish();
  consumer.settle(lost);
  return {
    ...endingOf(source, consumer),
    readAgain: () => {
      for (const [lane] of consumer.lanes.entries()) consumer.reassign(lane, Number.MAX_SAFE_INTEGER);
      consumer.settle(true);
      return endingOf(source, consumer);
    },
  };
}

/** The number of a transaction that no other action takes. */
const ALONE = 9;

function step(source: SourceModel, consumer: ConsumerModel, one: Action): void {
  switch (one.do) {
    case 'put':
      source.put(one.tx, one);
      break;
    case 'write':
      source.put(ALONE, one);
      source.commit(ALONE, one.direct);
      break;
    case 'drop':
      source.drop(one.tx, one.table, one.key);
      break;
    case 'rename':
      source.rename(one.tx, one.table, one.keys, one.carries);
      break;
    case 'copy':
      source.copy(one.tx, one.keys, one.value);
      break;
    case 'commit':
      source.commit(one.tx, one.direct);
      break;
    case 'rollback':
      source.rollback(one.tx);
      break;
    case 'capture':
      source.capture();
      break;
    case 'lose':
      source.lose();
      break;
    case 'renew':
      source.renew();
      break;
    case 'make':
      source.log.make(one.table);
      break;
    case 'overlook':
      consumer.take(one.lanes, one.count, true);
      break;
    case 'replace':
      source.replace();
      break;
    case 'open-chunk':
      source.openChunk(one.table);
      break;
    case 'read-chunk':
      source.readChunk();
      break;
    case 'close-chunk':
      source.closeChunk();
      break;
    case 'restart':
      source.restart(one.back);
      break;
    case 'take':
      consumer.take(one.lanes, one.count);
      break;
    case 'save':
      consumer.save(one.at, one.most);
      break;
    case 'reassign':
      consumer.reassign(one.lane, one.back);
      break;
    case 'crash':
      consumer.crash();
      break;
    case 'deliver':
      consumer.deliver(one.at, one.again);
      break;
    case 'mend':
      consumer.mend(one.at);
      break;
    case 'spoil':
      consumer.spoil(one.lane, one.ahead, one.opaque);
      break;
    case 'settle-letter':
      consumer.settleLetter(one.at, one.what);
      break;
  }
}

function endingOf(source: SourceModel, consumer: ConsumerModel): Pick<Ending, 'truth' | 'stored'> {
  const truth = new Gathering();
  for (const row of source.rows('parent')) truth.at(row.id).root = row;
  for (const row of source.rows('child')) truth.at(row.parent).rows[String(row.no)] = contentOf('child', row);
  const stored = new Gathering();
  for (const [id, document] of consumer.documents) {
    const { root, embeds } = document;
    const isShown = root?.live === true;
    if (isShown) stored.at(id).root = root.content;
    for (const [no, row] of Object.entries(embeds.rows ?? {})) {
      // A store reads children by their parent: without it, one in doubt waits for it, and no reader sees it.
      if (!isShown && isUnsound(row)) delete truth.at(id).rows[no];
      else if (row.live) stored.at(id).rows[no] = row.content;
    }
    if (needsSource(document)) throw new Error(`document ${id} is left unsound`);
  }
  return { truth: truth.all, stored: stored.all };
}

class Gathering {
  readonly #found = new Map<string, { root: Content | null; rows: Record<string, Content> }>();

  at(id: unknown): { root: Content | null; rows: Record<string, Content> } {
    const found = this.#found.get(String(id)) ?? { root: null, rows: {} };
    this.#found.set(String(id), found);
    return found;
  }

  get all(): Rows {
    const filled = [...this.#found].filter(
      ([, { root, rows }]) => root !== null || Object.keys(rows).length > 0,
    );
    return Object.fromEntries(filled);
  }
}
