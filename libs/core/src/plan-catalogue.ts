import { columnTypeFault } from './column-type.ts';
import type { FieldType } from './field-type.ts';
import { type Embed, keyFields, type Plan, type RowMapping } from './plan.ts';
import type { BeforeImages, CatalogueColumn, CatalogueTable, TableTrait } from './ports/catalogue.ts';

/** What a plan says that the legacy database contradicts. */
export interface CatalogueFault {
  readonly unit: string;
  readonly table: string;
  readonly message: string;
}

/** Compares a plan with the tables it names. @param tables by `schema.table`; all of the plan's tables. */
export function checkAgainstCatalogue(
  plan: Plan,
  tables: ReadonlyMap<string, CatalogueTable>,
): readonly CatalogueFault[] {
  const check = (mapping: RowMapping, embed: Embed | null): readonly CatalogueFault[] => {
    const table = tables.get(mapping.table);
    const messages =
      table === undefined
        ? ['the legacy database has no such table']
        : [
            ...checkColumns(mapping, embed, table),
            ...logFaults(table),
            ...checkVersion(plan, table),
            ...(embed === null ? checkRootKey(mapping, table) : checkEmbedKey(embed, table)),
            ...(embed === null ? [] : checkParentTypes(plan, embed, table)),
          ];
    return messages.map((message) => ({ unit: plan.unit, table: mapping.table, message }));
  };
  return [...check(plan.root, null), ...plan.embeds.flatMap((embed) => check(embed, embed))];
}

/** Why no plan can follow the table's rows by the log as the table is now, each with its remedy. */
export function logFaults(table: CatalogueTable): readonly string[] {
  const faults: string[] = [];
  if (table.primaryKey.length === 0) faults.push(...keylessFaults(table));
  for (const column of table.columns) {
    if (isLoose(column) && table.primaryKey.includes(column.name))
      faults.push(
        `column ${column.name} of the primary key is ${column.type} without a scale: 1 and 1.00 are one row in the ` +
          "table, but two keys of the log and so in two of the topic's partitions; declare its precision and scale",
      );
  }
  for (const trait of table.traits) faults.push(OBSTACLES[trait]);
  const known = new Map<string, string>();
  for (const { name } of table.columns) {
    const twin = known.get(name.toLowerCase());
    if (twin !== undefined)
      faults.push(`columns ${twin} and ${name} differ in case only, and Debezium sends one of them`);
    known.set(name.toLowerCase(), name);
  }
  return [...faults, ...imageFaults(table)];
}

/** A decimal of which 1 and 1.00 are one value: two texts, and so two keys of the log. */
function isLoose({ type, scale }: CatalogueColumn): boolean {
  return scale === null && /^(numeric|decimal|decfloat)$/i.test(type);
}

/** The sets of columns by any of which the table's rows can be told apart in the log: the primary key, if there is one. */
export function rowKeys({ primaryKey, uniqueKeys, columns }: CatalogueTable): readonly (readonly string[])[] {
  if (primaryKey.length > 0) return [primaryKey];
  const loose = new Set(columns.filter(isLoose).map(({ name }) => name));
  return uniqueKeys.filter((key) => !key.some((column) => loose.has(column)));
}

/** Without a primary key, Ficus has the connector take the plan's key: see `messageKeys`. */
function keylessFaults(table: CatalogueTable): readonly string[] {
  const what = 'the table has no primary key';
  if (table.partitions !== null)
    return [
      `${what}, and ${PARTITIONED}, without which PostgreSQL refuses to change its rows; add a primary key`,
    ];
  const keys = rowKeys(table);
  if (keys.length === 0)
    return [
      `${what}, and no other key by which its rows could be told apart: their changes would be spread over the ` +
        "topic's partitions and lose their order, and Debezium could not read the table in chunks; add a primary key, " +
        'or (PostgreSQL) a UNIQUE constraint on columns that are NOT NULL, not deferrable, with a scale where they ' +
        `are numeric, and ${identityOf(table.table, 'FULL')}`,
    ];
  if (table.beforeImages === 'full') return [];
  return [
    `${what}, so PostgreSQL would refuse every UPDATE and DELETE of it once it is published, or Debezium could not ` +
      `tell which row they are of; set ${identityOf(table.table, 'FULL')}, and its rows are told apart by ` +
      `${keyTexts(keys)}`,
  ];
}

function keyTexts(keys: readonly (readonly string[])[]): string {
  return keys.map((key) => `(${key.join(', ')})`).join(' or ');
}

const OBSTACLES: Readonly<Record<TableTrait, string>> = {
  'deferrable-key':
    'the primary key is deferrable and so identifies no row in the log: once published, PostgreSQL refuses every UPDATE ' +
    "and DELETE, so applying the plan would break the legacy database's own applications; make it NOT DEFERRABLE",
  inherited:
    'tables inherit from it (INHERITS): queries of it answer their rows too, but the log has them under their own names, ' +
    'and once published an UPDATE or DELETE that meets such a table without a key fails; give it no inheriting tables',
  'is-partition':
    'it is a partition of another table, under whose name its changes come as soon as that one is planned; plan that table',
  'row-security':
    'row security hides rows of it from this account, and so from the snapshot and from every comparison, while the log ' +
    'has them all; give both accounts of systems.yaml BYPASSRLS, or switch it off',
  'unpublished-identity':
    'it, or a partition of it, has REPLICA IDENTITY FULL and a generated column, which the log does not have: once published, ' +
    "PostgreSQL 18 refuses every UPDATE and DELETE, so applying the plan would break the legacy database's own applications; " +
    'set REPLICA IDENTITY DEFAULT, or drop the column',
  unlogged: 'it is unlogged or temporary, so its changes are in no log; ALTER TABLE … SET LOGGED',
};

const UNUSABLE: Readonly<Record<Exclude<BeforeImages, 'full' | 'primary-key'>, string>> = {
  none:
    'REPLICA IDENTITY NOTHING, or an index that is gone: once published, PostgreSQL refuses every UPDATE and DELETE, ' +
    "so applying the plan would break the legacy database's own applications",
  'other-index':
    "REPLICA IDENTITY USING INDEX, and not the primary key's: a delete would carry that index's columns instead of " +
    'the primary key, and a changed primary key would come as a plain update, whose old row is never deleted',
};
/** Partitions that a message names; there may be hundreds. */
const NAMED = 3;

function imageFaults({ table, primaryKey, beforeImages, partitions }: CatalogueTable): readonly string[] {
  const faults: string[] = [];
  if (primaryKey.length === 0) return faults;
  if (beforeImages === 'none' || beforeImages === 'other-index')
    faults.push(
      `the table has ${UNUSABLE[beforeImages]}; set ${identityOf(table, 'DEFAULT')}, or FULL instead of DEFAULT`,
    );
  for (const image of ['none', 'other-index'] as const) {
    const wrong = (partitions ?? []).filter((partition) => partition.beforeImages === image);
    const [first] = wrong;
    if (first === undefined) continue;
    const names = wrong.slice(0, NAMED).map((partition) => partition.table);
    const more = wrong.length > NAMED ? ` and ${wrong.length - NAMED} more` : '';
    faults.push(
      `of its partitions, ${names.join(', ')}${more} ${wrong.length === 1 ? 'has' : 'have'} ${UNUSABLE[image]}; ` +
        `a partition does not inherit the table's, so set ${identityOf(first.table, 'DEFAULT')} for each`,
    );
  }
  return faults;
}

/** Names are quoted always, so that the statement can be used as it stands. */
function identityOf(table: string, identity: 'DEFAULT' | 'FULL'): string {
  const dot = table.indexOf('.');
  const quoted = [table.slice(0, dot), table.slice(dot + 1)].map((part) => `"${part.replaceAll('"', '""')}"`);
  return `ALTER TABLE ${quoted.join('.')} REPLICA IDENTITY ${identity}`;
}

/** A partition that joins later has REPLICA IDENTITY DEFAULT, so a partitioned table cannot promise full images. */
function promisesFullImages({ beforeImages, partitions }: CatalogueTable): boolean {
  return beforeImages === 'full' && partitions === null;
}

const PARTITIONED =
  'a partitioned table cannot promise full before images, since a partition that joins later has REPLICA IDENTITY DEFAULT';

function checkColumns(mapping: RowMapping, embed: Embed | null, table: CatalogueTable): readonly string[] {
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  const parentKey = embed?.parentKey ?? [];
  const named = new Set([...mapping.fields.map((field) => field.column), ...mapping.ignore, ...parentKey]);
  const faults = [...named]
    .filter((column) => !columns.has(column))
    .map(
      (column) =>
        `column ${column} is named by the plan but not in the table, which has ${[...columns.keys()].join(', ')}`,
    );
  for (const column of columns.keys()) {
    if (!named.has(column)) faults.push(`column ${column} is neither mapped nor listed under ignore`);
  }
  for (const field of mapping.fields) {
    if (columns.get(field.column)?.inLog === false)
      faults.push(
        `column ${field.column} is computed by the database, and the log does not have it; list it under ignore`,
      );
    const found = columns.get(field.column);
    const fault = found === undefined ? null : columnTypeFault(found, field.type);
    if (fault !== null) faults.push(fault);
    const actual = found?.precision ?? null;
    const planned = fraction(field.type);
    if (planned !== null && actual !== null && planned !== actual)
      faults.push(
        `column ${field.column} has ${actual} fractional digits, but ${field.path} says precision ${planned}`,
      );
  }
  return faults;
}

/** Without schemas, the log carries times in a unit that follows from the column's precision. */
function fraction(type: FieldType): number | null {
  return type.kind === 'time' ||
    type.kind === 'timestamp' ||
    type.kind === 'timestamptz' ||
    type.kind === 'timetz'
    ? type.precision
    : null;
}

/**
 * The before image of a delete is where its version stands. An event has every column of its table, so it does not
 * matter whether the plan maps the version column, nor that an embedded table has it only by chance.
 */
function checkVersion({ version }: Plan, table: CatalogueTable): readonly string[] {
  if (version.kind === 'lsn' || promisesFullImages(table)) return [];
  if (table.columns.every(({ name }) => name !== version.column)) return [];
  const remedy =
    table.partitions === null
      ? `set ${identityOf(table.table, 'FULL')}, or order by lsn`
      : `${PARTITIONED}; order by lsn`;
  return [
    `rows are ordered by ${version.column}, which the table has, but a delete would come without it; ${remedy}`,
  ];
}

/** The connector sends an event to the partition of its primary key: a document of another key has no order. */
function checkRootKey({ key }: RowMapping, table: CatalogueTable): readonly string[] {
  const { primaryKey } = table;
  const keys = rowKeys(table);
  const same = (one: readonly string[]): boolean =>
    new Set([...key, ...one]).size === key.length && key.length === one.length;
  if (keys.length === 0 || keys.some(same)) return [];
  if (primaryKey.length === 0)
    return [
      `legacy.key is ${key.join(', ')}, by which rows need not differ; the table has no primary key, and legacy.key ` +
        `must name exactly the columns of one of its unique keys: ${keyTexts(keys)}`,
    ];
  return [
    `legacy.key is ${key.join(', ')}, but the primary key is ${primaryKey.join(', ')}; events are spread over the ` +
      "topic's partitions by the primary key, so a document of another key would get its events out of order; " +
      'legacy.key must name exactly the columns of the primary key, in any order',
  ];
}

/** The parent's key is read from the child's columns as if they were the parent's own. */
function checkParentTypes({ root }: Plan, { parentKey }: Embed, table: CatalogueTable): readonly string[] {
  return keyFields(root).flatMap((field, index) => {
    const column = table.columns.find(({ name }) => name === parentKey[index]);
    const fault = column === undefined ? null : columnTypeFault(column, field.type);
    return fault === null ? [] : [`parentKey: ${fault}, as ${field.column} of ${root.table} is`];
  });
}

/** The place of a row in the documents is its parentKey and key: one place, one row, and a delete must tell it. */
function checkEmbedKey({ parentKey, key }: Embed, table: CatalogueTable): readonly string[] {
  const { primaryKey } = table;
  const faults: string[] = [];
  const place = [...parentKey, ...key];
  if (primaryKey.length === 0) {
    const keys = rowKeys(table);
    if (keys.length === 0 || keys.some((one) => one.every((column) => place.includes(column)))) return [];
    return [
      `the table has no primary key, and parentKey (${parentKey.join(', ')}) and key (${key.join(', ')}) contain ` +
        `none of its unique keys, ${keyTexts(keys)}, so several rows could share one place`,
    ];
  }
  const missing = primaryKey.filter((column) => !place.includes(column));
  if (missing.length > 0)
    faults.push(
      `the primary key is ${primaryKey.join(', ')}, but ${missing.join(', ')} is part of neither parentKey ` +
        `(${parentKey.join(', ')}) nor key (${key.join(', ')}), so several rows would share one place`,
    );
  const outside = place.filter((column) => !primaryKey.includes(column));
  if (outside.length > 0 && !promisesFullImages(table))
    faults.push(
      `${outside.join(', ')} is part of the plan's parentKey or key but not of the primary key ` +
        `(${primaryKey.join(', ')}), so a delete could not find its document; ` +
        (table.partitions === null ? `set ${identityOf(table.table, 'FULL')}` : PARTITIONED),
    );
  return faults;
}
