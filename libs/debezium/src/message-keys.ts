import { type Embed, knownColumns, mappingOf, type Plan, type RowMapping, tablesOf } from '#core/plan';
import type { ConnectorConfig } from './connect-client.ts';

/** What the records of a table are keyed by, where the database has no primary key for it. */
export interface MessageKey {
  /** `schema.table` */
  readonly table: string;
  readonly columns: readonly string[];
}

/**
 * Debezium's setting: `schema.table:column,column`, more of them behind semicolons, all of it regular expressions. The
 * key has the columns in the table's order. Source: Debezium documentation, "PostgreSQL connector",
 * `message.key.columns`, and `io.debezium.relational.Key`.
 */
export const MESSAGE_KEYS = 'message.key.columns';

/** What the plans tell the rows of these tables apart by: the connector has to key their records by it. */
export function messageKeys(plans: readonly Plan[], keyless: readonly string[]): readonly MessageKey[] {
  const keys = keyless.flatMap((table) => {
    const plan = plans.find((one) => tablesOf(one).includes(table));
    const found = plan === undefined ? null : mappingOf(plan, table);
    return found === null ? [] : [{ table, columns: placeOf(found.mapping, found.embed) }];
  });
  return keys.sort((one, other) => (one.table < other.table ? -1 : 1));
}

/** The setting for these tables; what `known` says of others stays, since another replicator may know of their plans. */
export function printMessageKeys(keys: readonly MessageKey[], known: string | undefined): string | null {
  const entries = new Map(entriesOf(known).map(([table, columns]) => [table, columns]));
  for (const { table, columns } of keys) entries.set(escaped(table), columns.map(escaped).join(','));
  const text = [...entries].map(([table, columns]) => `${table}:${columns}`).join(';');
  return text === '' ? null : text;
}

/** Why records of the plan's tables would not come in the order of their rows by this configuration, a sentence each. */
export function messageKeyFaults(
  config: ConnectorConfig,
  plan: Plan,
  keyless: readonly string[],
): readonly string[] {
  const entries = entriesOf(config[MESSAGE_KEYS]);
  return tablesOf(plan).flatMap((table) => {
    const found = mappingOf(plan, table);
    if (found === null) return [];
    const place = placeOf(found.mapping, found.embed);
    const own = entries.filter(([of]) => matches(of, table));
    const wanted = `${escaped(table)}:${place.map(escaped).join(',')}`;
    if (own.length === 0)
      return keyless.includes(table)
        ? [`${table} has no primary key, so its records have no key; add ${wanted} to ${MESSAGE_KEYS}`]
        : [];
    const patterns = own.flatMap(([, columns]) => columns.split(','));
    const columns = [...knownColumns(found.mapping, found.embed)].filter((column) =>
      patterns.some((pattern) => matches(pattern, column)),
    );
    const isPlace = columns.length === place.length && place.every((column) => columns.includes(column));
    return isPlace
      ? []
      : [
          `${MESSAGE_KEYS} keys the records of ${table} by ${columns.join(', ') || 'columns that the plan does not name'}, ` +
            `and plan ${plan.unit} tells its rows apart by ${place.join(', ')}; make it ${wanted}, or take it away where ` +
            'that is the primary key',
        ];
  });
}

function placeOf({ key }: RowMapping, embed: Embed | null): readonly string[] {
  return [...(embed?.parentKey ?? []), ...key];
}

function entriesOf(setting: string | undefined): readonly (readonly [table: string, columns: string])[] {
  return (setting ?? '')
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const colon = entry.indexOf(':');
      return [entry.slice(0, colon), entry.slice(colon + 1)] as const;
    });
}

/** Whole names, whatever their case; what only Java can read is not taken for a match. */
function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'i').test(name);
  } catch {
    return false;
  }
}

/** A name as a regular expression in which no separator of the setting stands, and no blank. */
function escaped(name: string): string {
  return [...name]
    .map((one) => (/[A-Za-z0-9_]/.test(one) ? one : one === '.' ? '\\.' : unicode(one)))
    .join('');
}

function unicode(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
