import { doubtAbout, type RowChange } from './apply.ts';
import { isInfinite } from './calendar.ts';
import type { DocumentKey } from './document.ts';
import { FicusError } from './errors.ts';
import type { CanonicalValue, Content, FieldType } from './field-type.ts';
import {
  type Embed,
  type Field,
  fieldsByPath,
  keyFields,
  knownColumns,
  mappingOf,
  type Plan,
  type RowMapping,
} from './plan.ts';
import type { Evidence, LogPosition, Position } from './version.ts';

/** A column's value as the log carries it, undecoded, with its schema when the record had one. */
export interface WireValue {
  readonly value: unknown;
  readonly schema: WireSchema | null;
  /** Why the value need not be the row's; it is refused where the plan maps the column. */
  readonly doubt?: string;
}

export interface WireSchema {
  /** Semantic name, e.g. `io.debezium.time.Date`; null for a plain type. */
  readonly name: string | null;
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Of an array's elements. */
  readonly items?: WireSchema;
}

export type WireRow = Readonly<Record<string, WireValue>>;

/** A row change as the source's log has it, whatever the format of the record. */
export interface ChangeEvent {
  readonly table: string;
  /** `tombstone`: a delete of which the log says no more than the key, and possibly its position. */
  readonly op: 'create' | 'update' | 'delete' | 'tombstone' | 'read' | 'truncate';
  readonly key: WireRow | null;
  readonly before: WireRow | null;
  readonly after: WireRow | null;
  /** The row's position in the source's log, of a snapshot's row the connector's; null where it knows none. */
  readonly position: Position | null;
  /** Commit time at the source, ms since the epoch. */
  readonly committedAt: number | null;
  readonly log: LogPosition;
  /**
   * Whose calendar the dates of the row went through. `hybrid`: JDBC's, which is Julian before 15 October 1582, so that
   * earlier dates come shifted by up to ten days, and years BC without their sign.
   */
  readonly calendar: 'proleptic' | 'hybrid';
  /** Deletes of the source come without position (`tombstone`). */
  readonly tombstones?: boolean;
}

/** Dates from here on are the same in either calendar, shifted ones included. */
const CALENDARS_AGREE = '1582-10-26';

/** The value was left out by the source because it did not change (TOAST), or what came is not to be trusted. */
export const UNAVAILABLE: unique symbol = Symbol('unavailable');

/** Turns a wire value into its canonical form. @throws FicusError `value_invalid`. */
export type ValueDecoder = (type: FieldType, wire: WireValue) => CanonicalValue | typeof UNAVAILABLE;

export interface Interpretation {
  readonly changes: readonly RowChange[];
  /** Columns that the plan neither maps nor ignores. */
  readonly unknownColumns: readonly string[];
}

/**
 * What an event means for the unit's documents.
 * @throws FicusError `table_truncated`, `event_unsupported` for a foreign table or a missing key or column, and
 * `value_invalid` naming the column when a value cannot be held exactly.
 */
export function interpretEvent(
  plan: Plan,
  event: ChangeEvent,
  epoch: number,
  decode: ValueDecoder,
): Interpretation {
  const found = mappingOf(plan, event.table);
  if (found === null)
    throw new FicusError('event_unsupported', `table ${event.table} is no part of unit ${plan.unit}`);
  if (event.op === 'truncate') {
    throw new FicusError(
      'table_truncated',
      `${event.table} was truncated, which has no order against changes of its rows in other partitions: replayed, its ` +
        'rows from before are read from the source; discarded, they stay',
    );
  }
  const { mapping, embed } = found;
  const context: Context = { plan, mapping, embed, event, epoch, decode };
  if (event.op === 'delete' || event.op === 'tombstone') {
    const row = event.before ?? event.key;
    if (row === null)
      throw new FicusError('event_unsupported', `a delete of ${event.table} without key and before image`);
    const gone = event.key === null ? row : { ...row, ...event.key };
    return { changes: isOrphan(context, gone) ? [] : [deletion(context, gone)], unknownColumns: [] };
  }
  const row = event.after;
  if (row === null)
    throw new FicusError('event_unsupported', `${event.op} of ${event.table} without an after image`);
  const left = event.before === null || embed === null ? null : movedFrom(context, event.before, row);
  const changes = left === null ? [] : [left];
  if (isOrphan(context, row)) return { changes, unknownColumns: [] };
  const upsert = upsertion(context, row);
  const unknownColumns = upsert.effect.kind === 'upsert' ? Object.keys(upsert.effect.unmapped) : [];
  return { changes: [...changes, upsert], unknownColumns };
}

/**
 * The rows that an event is about, as far as it can be told, as changes that say only that they have changed: for an
 * event that cannot be applied. An event of which only the key is known has no images.
 */
export function doubtsOf(
  plan: Plan,
  event: ChangeEvent,
  epoch: number,
  decode: ValueDecoder,
): readonly RowChange[] {
  const found = mappingOf(plan, event.table);
  if (found === null) return [];
  const context: Context = { plan, ...found, event, epoch, decode };
  const doubts = new Map<string, RowChange>();
  for (const image of [event.after, event.before, event.key]) {
    if (image === null) continue;
    try {
      const place = target(context, image);
      doubts.set(JSON.stringify(place), doubtAbout(place, keyContent(context, image), epoch));
    } catch (error) {
      // An image that does not tell the place, as the key of a child does not.
      if (!(error instanceof FicusError)) throw error;
    }
  }
  return [...doubts.values()];
}

/** The key of the document whose own row has this key; null: the columns do not tell. */
export function documentKeyOf(plan: Plan, row: WireRow, decode: ValueDecoder): DocumentKey | null {
  const key: CanonicalValue[] = [];
  for (const { column, type } of keyFields(plan.root)) {
    const wire = row[column];
    if (wire === undefined || wire.doubt !== undefined) return null;
    try {
      const value = decode(type, wire);
      if (value === UNAVAILABLE || value === null) return null;
      key.push(value);
    } catch (error) {
      if (!(error instanceof FicusError)) throw error;
      return null;
    }
  }
  return key;
}

/** A child row without a parent stands in no document. */
function isOrphan({ embed }: Context, row: WireRow): boolean {
  return embed?.parentKey.some((column) => row[column]?.value === null) ?? false;
}

interface Context {
  readonly plan: Plan;
  readonly mapping: RowMapping;
  readonly embed: Embed | null;
  readonly event: ChangeEvent;
  readonly epoch: number;
  readonly decode: ValueDecoder;
}

function upsertion(context: Context, row: WireRow): RowChange {
  const { mapping, event } = context;
  const content: Record<string, CanonicalValue> = {};
  const unavailable: string[] = [];
  for (const field of fieldsByPath(mapping)) {
    const value = fieldValue(context, row, field);
    if (value === UNAVAILABLE) unavailable.push(field.path);
    else content[field.path] = value;
  }
  const unmapped: Record<string, unknown> = {};
  const known = knownColumns(mapping, context.embed);
  for (const column in row) if (!known.has(column)) unmapped[column] = withoutBigInts(row[column]?.value);
  return {
    ...target(context, row),
    evidence: evidence(context, row),
    committedAt: event.committedAt,
    effect: { kind: 'upsert', content, unavailable, unmapped },
  };
}

/** What an update left out because it did not change stands in a full before image. */
function fieldValue(
  context: Context,
  row: WireRow,
  { column, type }: Field,
): CanonicalValue | typeof UNAVAILABLE {
  const value = decodeColumn(context, row, column, type);
  const { op, before } = context.event;
  // Null there may be an image that holds the key only: a value that is left out is none.
  if (value !== UNAVAILABLE || op !== 'update' || (before?.[column]?.value ?? null) === null) return value;
  return decodeColumn(context, before ?? {}, column, type);
}

/** JSON has no BigInt, so what is kept of an unknown column's 64-bit number is its digits. */
function withoutBigInts(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutBigInts(member)]));
}

function deletion(context: Context, row: WireRow): RowChange {
  return {
    ...target(context, row),
    evidence: evidence(context, row),
    committedAt: context.event.committedAt,
    effect: {
      kind: 'delete',
      content: keyContent(context, row),
      tiesWin: context.plan.version.kind === 'column',
    },
  };
}

/**
 * An update that gave a child another parent, none, or another key leaves the old place: the before image names it.
 * It carries the version of the state that it leaves where a trigger sets the next one only after it.
 */
function movedFrom(context: Context, before: WireRow, after: WireRow): RowChange | null {
  const columns = [...(context.embed?.parentKey ?? []), ...context.mapping.key];
  if (columns.some((column) => before[column] === undefined || before[column]?.value === null)) return null;
  const old = target(context, before);
  if (!isOrphan(context, after) && JSON.stringify(old) === JSON.stringify(target(context, after)))
    return null;
  return {
    ...old,
    evidence: evidence(context, after),
    committedAt: context.event.committedAt,
    effect: {
      kind: 'delete',
      content: keyContent(context, before),
      tiesWin: context.plan.version.kind === 'column',
    },
  };
}

function keyContent(context: Context, row: WireRow): Content {
  return Object.fromEntries(
    keyFields(context.mapping).map((field) => [field.path, required(context, row, field)]),
  );
}

function target(context: Context, row: WireRow): Pick<RowChange, 'key' | 'embed'> {
  const { plan, mapping, embed } = context;
  const own: DocumentKey = keyFields(mapping).map((field) => required(context, row, field));
  if (embed === null) return { key: own, embed: null };
  const rootFields = keyFields(plan.root);
  const key = embed.parentKey.map((column, index) => {
    const field = rootFields[index];
    if (field === undefined)
      throw new Error(`broken assumption: parentKey of ${embed.path} is longer than the key`);
    return required(context, row, { ...field, column });
  });
  return { key, embed: { path: embed.path, childKey: own } };
}

function required(context: Context, row: WireRow, field: Field): CanonicalValue {
  const value = decodeColumn(context, row, field.column, field.type);
  if (value === UNAVAILABLE || value === null) {
    throw new FicusError(
      'event_unsupported',
      `key column ${field.column} of ${context.mapping.table} has no value in the event`,
    );
  }
  return value;
}

function decodeColumn(
  context: Context,
  row: WireRow,
  column: string,
  type: FieldType,
): CanonicalValue | typeof UNAVAILABLE {
  const wire = row[column];
  if (wire === undefined) {
    throw new FicusError(
      'event_unsupported',
      `column ${column} of ${context.mapping.table} is mapped but missing in the event`,
    );
  }
  if (wire.doubt !== undefined)
    throw new FicusError('value_invalid', `column ${column} of ${context.mapping.table}: ${wire.doubt}`);
  const isShiftable = context.event.calendar === 'hybrid' && DATED.includes(type.kind);
  try {
    const value = context.decode(type, wire);
    return isShiftable && typeof value === 'string' && isShifted(value) ? UNAVAILABLE : value;
  } catch (cause) {
    // A shift can lead out of the legal years.
    if (isShiftable && isEarly(wire.value)) return UNAVAILABLE;
    if (!(cause instanceof FicusError)) throw cause;
    throw new FicusError(cause.code, `column ${column} of ${context.mapping.table}: ${cause.message}`, {
      cause,
    });
  }
}

const DATED: readonly FieldType['kind'][] = ['date', 'timestamp', 'timestamptz'];

/** Years of more than four digits are later, and the infinities are the same in every calendar. */
function isShifted(value: string): boolean {
  return !isInfinite(value) && !value.startsWith('+') && value < CALENDARS_AGREE;
}

/** Days, or a finer count, before 1970; or a text of a year before the first. */
function isEarly(value: unknown): boolean {
  if (typeof value === 'number' || typeof value === 'bigint') return value < 0;
  return typeof value === 'string' && /^(-|0)/.test(value);
}

function evidence(context: Context, row: WireRow): Evidence {
  const { event, epoch } = context;
  if (event.op === 'tombstone' && (event.position === null || context.plan.version.kind === 'column'))
    return { kind: 'tombstone', epoch, log: event.log };
  const position =
    context.plan.version.kind === 'lsn'
      ? event.position
      : versionColumn(context, row, context.plan.version.column);
  if (event.op === 'read') return { kind: 'snapshot', epoch, position, log: event.log };
  if (position === null) {
    throw new FicusError(
      'event_unsupported',
      `a streamed ${event.op} of ${event.table} without a position cannot be ordered`,
    );
  }
  return event.tombstones === true
    ? { kind: 'streamed', epoch, position, log: event.log, mayReturn: true }
    : { kind: 'streamed', epoch, position, log: event.log };
}

/** A row whose version column is not set yet (an AFTER trigger sets it next) loses to every state that has one. */
const UNSET = 0n;

/**
 * An embedded table that has the version column is ordered by it too; one without it by the log's position. The two
 * never meet within one row. A delete that should carry the column and does not (its table sends no full before
 * images) is refused: by UNSET it would be lost, by the log's position it would stand above every later version.
 */
function versionColumn(context: Context, row: WireRow, column: string): Position | null {
  const { event, mapping } = context;
  const mapped = mapping.fields.some((field) => field.column === column);
  if (row[column] === undefined && !mapped) return event.position;
  const value = row[column] === undefined ? null : decodeColumn(context, row, column, { kind: 'long' });
  const isKnown = value !== UNAVAILABLE && value !== null;
  // PostgreSQL sends a type's own default for what a delete does not carry and may not be null.
  if (isKnown && (event.op !== 'delete' || BigInt(String(value)) !== UNSET)) return BigInt(String(value));
  if (event.op !== 'delete') return UNSET;
  throw new FicusError(
    'event_unsupported',
    `a delete of ${event.table} without a value of the version column ${column} cannot be ordered; the table must send full before images`,
  );
}
