import { Decimal128, type Document, Int32, Long } from 'mongodb';

/** One change of a row of `public.orders`, from which its event and its document follow. */
export interface OrderChange {
  readonly op: 'c' | 'u' | 'r';
  readonly id: number;
  /** Counts all changes of a backlog: later ones have later positions and other content. */
  readonly number: number;
  /** Where it lies in Kafka. */
  readonly partition: number;
  readonly offset: number;
}

/** Like a line of the source's log. */
const BYTES_A_CHANGE = 96;
const FIRST_LSN = 40_000_000;
const BEGAN = Date.UTC(2026, 10, 1);
const MS_A_CHANGE = 7;
const DAY = 86_400_000;
const STATES = ['new', 'paid', 'packed', 'shipped', 'delivered', 'returned'];
const CITIES = ['Antwerpen', 'Bologna', 'Coimbra', 'Dresden', 'Esbjerg', 'Freiburg', 'Groningen', 'Helsinki'];

export function lsnOf(number: number): number {
  return FIRST_LSN + number * BYTES_A_CHANGE;
}

/** What the row holds after the change, as Debezium writes its columns in the modes that Ficus configures. */
export function imageOf({ id, number }: Pick<OrderChange, 'id' | 'number'>): Record<string, number | string> {
  const chance = mixed(id, number);
  return {
    id,
    customer: `C${String(chance % 1_000_000).padStart(7, '0')}`,
    status: STATES[chance % STATES.length] ?? 'new',
    amount: `${1 + (chance % 9_999)}.${String(chance % 100).padStart(2, '0')}`,
    tax: `${chance % 999}.${String((chance >>> 3) % 100).padStart(2, '0')}`,
    pieces: chance % 50,
    ordered_on: 20_000 + (chance % 700),
    changed_at: new Date(committedAt(number)).toISOString(),
    city: CITIES[chance % CITIES.length] ?? 'Antwerpen',
    note: `change ${number} of order ${id}`.padEnd(34, '.'),
  };
}

/** A change event as Debezium 3.3 makes it of PostgreSQL, transaction metadata off. */
export interface Envelope {
  readonly before: null;
  readonly after: Readonly<Record<string, number | string>>;
  readonly source: Readonly<Record<string, number | string | bigint | null>>;
  readonly transaction: null;
  readonly op: string;
  readonly ts_ms: number;
  readonly ts_us: number;
  readonly ts_ns: bigint;
}

/** @param table and its image: unless given, the order's own. */
export function envelopeOf(
  change: Pick<OrderChange, 'op' | 'id' | 'number'>,
  { table, image } = { table: 'orders', image: imageOf(change) },
): Envelope {
  const lsn = lsnOf(change.number);
  const ms = committedAt(change.number);
  const sent = ms + 12;
  const isStreamed = change.op !== 'r';
  return {
    before: null,
    after: image,
    source: {
      version: '3.3.1.Final',
      connector: 'postgresql',
      name: 'bench',
      ts_ms: ms,
      snapshot: isStreamed ? 'false' : 'incremental',
      db: 'shop',
      sequence: `["${lsn - BYTES_A_CHANGE}","${lsn}"]`,
      ts_us: ms * 1_000,
      ts_ns: BigInt(ms) * 1_000_000n + 123_456n,
      schema: 'public',
      table,
      txId: isStreamed ? 1_000 + change.number : null,
      lsn: isStreamed ? lsn : null,
      xmin: null,
    },
    transaction: null,
    op: change.op,
    ts_ms: sent,
    ts_us: sent * 1_000,
    ts_ns: BigInt(sent) * 1_000_000n + 234_567n,
  };
}

/** JSON without schemas. JSON has no BigInt of its own: its digits lose their quotes. */
export function eventText(envelope: Envelope): string {
  const text = JSON.stringify(envelope, (_name, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return text.replaceAll(/"ts_ns":"(\d+)"/g, '"ts_ns":$1');
}

export function keyText({ id }: Pick<OrderChange, 'id'>): string {
  return `{"id":${id}}`;
}

/** The document that Ficus keeps of the row: the same members with values of the same size. */
export function documentOf(change: OrderChange): Document {
  const image = imageOf(change);
  const streamed = change.op !== 'r';
  return {
    _id: Long.fromNumber(change.id),
    id: Long.fromNumber(change.id),
    customer: image.customer,
    status: image.status,
    amount: Decimal128.fromString(String(image.amount)),
    tax: Decimal128.fromString(String(image.tax)),
    pieces: new Int32(Number(image.pieces)),
    orderedOn: new Date(Number(image.ordered_on) * DAY),
    changedAt: new Date(String(image.changed_at)),
    city: image.city,
    note: image.note,
    _m: {
      n: new Int32(1),
      t: new Int32(1),
      ...(streamed ? { at: new Date(committedAt(change.number)) } : {}),
      live: true,
      e: new Int32(1),
      ...(streamed ? { s: Long.fromNumber(lsnOf(change.number)) } : {}),
      o: {
        i: new Int32(1),
        p: new Int32(change.partition),
        n: Long.fromNumber(change.offset),
      },
      h: `${String(change.number).padStart(10, '0')}abcdefghijkl`,
    },
  };
}

function committedAt(number: number): number {
  return BEGAN + number * MS_A_CHANGE;
}

/** The same number of 31 bits for the same two, without any pattern. */
function mixed(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 1;
}
