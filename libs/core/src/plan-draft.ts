import { columnTypeFault } from './column-type.ts';
import { camelCase, kebabCase, plural, uniqueIn } from './draft-name.ts';
import { canBeKey, draftType, typeMembers } from './draft-type.ts';
import { FicusError } from './errors.ts';
import { UNIT_NAME, UNIT_NAME_RULE } from './plan.ts';
import { logFaults, rowKeys } from './plan-catalogue.ts';
import type { CatalogueColumn, CatalogueReference, CatalogueTable } from './ports/catalogue.ts';

/**
 * A first plan for a table, from the legacy database's own description: text that the plan's parser accepts and its
 * owner goes on with. Whatever it leaves out it says why, in a comment where it would have stood.
 */
export interface DraftRequest {
  readonly root: CatalogueTable;
  /** Tables that may be embedded; those that cannot be are named in a comment. */
  readonly children: readonly CatalogueTable[];
  readonly kind: 'postgres' | 'db2';
  /** The system's name in systems.yaml, and its topics' prefix. */
  readonly system: string;
  readonly topicPrefix: string;
  readonly owner: string;
  /** Null: named after the table. */
  readonly unit: string | null;
}

interface DraftedEmbed {
  readonly path: string;
  readonly table: CatalogueTable;
  readonly parentKey: readonly string[];
  readonly key: readonly string[];
}

/** @throws FicusError `plan_invalid` with advice when the table cannot be a unit's root. */
export function renderDraft(request: DraftRequest): string {
  const { root, kind, system } = request;
  checkRoot(root);
  if (request.unit !== null && !UNIT_NAME.test(request.unit))
    throw new FicusError(
      'plan_invalid',
      `"${request.unit}" cannot be a unit's name; legal are ${UNIT_NAME_RULE}`,
    );
  const unit = request.unit ?? plural(kebabCase(lastPart(root.table)));
  const taken = new Set<string>();
  const fields = renderColumns(root, { indent: '  ', skip: [], taken });
  const { embeds, refused } = draftEmbeds(request, taken);
  const version = kind === 'postgres' ? 'lsn' : versionColumn(root);
  return [
    `unit: ${scalar(unit)}`,
    `owner: ${scalar(request.owner)}`,
    `description: ${scalar(root.comment ?? `Rows of ${root.table}`)}`,
    ...renderMode(version),
    'legacy:',
    `  system: ${scalar(system)}`,
    `  table: ${scalar(root.table)}`,
    ...renderPartitioned(root, '  '),
    ...renderKey(root),
    ...renderVersion(version),
    `topic: ${scalar(topicOf(request.topicPrefix, root.table))}`,
    `collection: ${scalar(unit)}`,
    'fields:',
    ...fields.mapped,
    ...renderIgnored(fields.ignored, ''),
    ...renderEmbeds(embeds),
    ...refused.map((remark) => `# ${remark}`),
    'truncate: hold',
    'reconcile: { schedule: "0 3 * * *", maxRowsPerSecond: 2000, repair: log-only, allowEmpty: false }',
    'levels: { lag: 5s, driftPpm: 0, verified: 24h, badShare: 0.05 }',
    'legacyWriters: revoke',
    'emergency: none',
    '',
  ].join('\n');
}

function checkRoot(root: CatalogueTable): void {
  const faults = [...nameFaults(root), ...logFaults(root)];
  if (faults.length > 0)
    throw new FicusError('plan_invalid', `${root.table} cannot be a unit: ${faults.join('; ')}`);
  for (const name of keyOf(root)) {
    const column = columnOf(root, name);
    if (column === undefined || !canIdentify(column)) {
      throw new FicusError(
        'plan_invalid',
        `${nameOf(root)} column ${name} of ${root.table} is of type ${column?.type ?? 'unknown'}, which cannot be part ` +
          'of a key; give the table a key of numbers, decimals of up to 34 digits and a scale, texts, dates or UUIDs, ' +
          'none of them computed from other columns',
      );
    }
  }
}

/** What a plan tells the rows of the table apart by. */
function keyOf(table: CatalogueTable): readonly string[] {
  return rowKeys(table)[0] ?? [];
}

function nameOf({ primaryKey }: CatalogueTable): string {
  return primaryKey.length > 0 ? 'primary key' : 'unique key';
}

function renderKey(table: CatalogueTable): readonly string[] {
  const line = `  key: ${list(keyOf(table))}`;
  return table.primaryKey.length > 0 ? [line] : [`${line} # of a unique index: there is no primary key`];
}

/** Debezium joins schema and table by a dot, and so does a plan. */
function nameFaults({ table }: CatalogueTable): readonly string[] {
  return table.split('.').length === 2
    ? []
    : ['a schema or table with a dot in its name cannot be told apart'];
}

/** A decimal that the draft can give no scale has more than one text, and so is no key for the plan's parser. */
function canIdentify(column: CatalogueColumn): boolean {
  const drafted = draftType(column);
  const scaleless =
    drafted.kind === 'field' && drafted.type.kind === 'decimal' && drafted.type.scale === null;
  return canBeKey(column) && column.inLog && !scaleless;
}

/** Children whose foreign key is the root's key and whose own key extends it. */
function draftEmbeds(
  { root, children }: DraftRequest,
  taken: Set<string>,
): { embeds: readonly DraftedEmbed[]; refused: readonly string[] } {
  const embeds: DraftedEmbed[] = [];
  const refused: string[] = [];
  for (const table of children) {
    const references = root.referencedBy.filter((reference) => reference.table === table.table);
    const found = references.map((one) => embedOf(root, table, one));
    const embed = found.find((one) => typeof one !== 'string');
    if (embed === undefined) {
      const reason = found[0] ?? 'no foreign key of it points here';
      refused.push(`not embedded: ${comment(table.table)}, since ${reason}`);
    } else {
      embeds.push({ ...embed, path: uniqueIn(taken, embed.path) });
      for (const below of new Set(table.referencedBy.map((one) => one.table)))
        if (below !== table.table)
          refused.push(
            `not embedded: ${comment(below)}, since an embedded row (${comment(table.table)}) has no rows of its own`,
          );
    }
  }
  return { embeds, refused };
}

/** A text says why not. */
function embedOf(
  root: CatalogueTable,
  table: CatalogueTable,
  reference: CatalogueReference,
): DraftedEmbed | string {
  const rootKey = keyOf(root);
  const parentKey = rootKey.map(
    (column) => reference.columns[reference.referencedColumns.indexOf(column)] ?? '',
  );
  const columns = parentKey.join(', ');
  if (table.table === root.table) return 'a row cannot be embedded in a row of its own table';
  const faults = [...nameFaults(table), ...logFaults(table)];
  if (faults.length > 0) return faults.join('; ');
  if (parentKey.includes('') || reference.columns.length !== parentKey.length)
    return `its foreign key (${reference.columns.join(', ')}) is not on the ${nameOf(root)}`;
  const whole = rowKeys(table).find((one) => parentKey.every((column) => one.includes(column)));
  if (whole === undefined)
    return `its foreign key (${columns}) is no part of its ${nameOf(table)}: a delete could not find its parent`;
  const key = whole.filter((column) => !parentKey.includes(column));
  const unlike = parentKey.find(
    (name, index) => !isReadableAs(columnOf(table, name), columnOf(root, rootKey[index])),
  );
  if (unlike !== undefined)
    return `${unlike} of its foreign key has another type than the key that it points at: a value has two texts`;
  if (key.length === 0)
    return `its ${nameOf(table)} is the foreign key (${columns}): make it a unit of its own`;
  const wrong = key.find((name) => {
    const column = columnOf(table, name);
    return column === undefined || !canIdentify(column);
  });
  if (wrong !== undefined) return `the type of ${wrong} cannot be part of a key`;
  return { path: embedName(root.table, table.table), table, parentKey, key };
}

/** The parent's key is read from the child's columns, so these must be readable as its types. */
function isReadableAs(column: CatalogueColumn | undefined, key: CatalogueColumn | undefined): boolean {
  const drafted = key === undefined ? null : draftType(key);
  if (column === undefined || drafted?.kind !== 'field') return false;
  return columnTypeFault(column, drafted.type) === null;
}

function columnOf({ columns }: CatalogueTable, name: string | undefined): CatalogueColumn | undefined {
  return columns.find((column) => column.name === name);
}

function embedName(root: string, child: string): string {
  const parent = `${lastPart(root).toLowerCase()}_`;
  const name = lastPart(child);
  const own = name.toLowerCase().startsWith(parent) ? name.slice(parent.length) : name;
  return plural(camelCase(own));
}

interface Rendered {
  readonly mapped: readonly string[];
  readonly ignored: readonly string[];
}

function renderColumns(
  table: CatalogueTable,
  { indent, skip, taken }: { indent: string; skip: readonly string[]; taken: Set<string> },
): Rendered {
  const mapped: string[] = [];
  const ignored: string[] = [];
  for (const column of table.columns) {
    if (skip.includes(column.name)) continue;
    const drafted = draftType(column);
    if (!column.inLog) {
      ignored.push(`${scalar(column.name)} # a generated column: Debezium does not stream it`);
    } else if (drafted.kind === 'ignored') {
      ignored.push(`${scalar(column.name)} # ${comment(drafted.remark)}${warning(column)}`);
    } else {
      const path = uniqueIn(taken, camelCase(column.name));
      const members = [['column', scalar(column.name)], ...typeMembers(drafted.type), ...flags(column)];
      const body = members.map(([name, value]) => `${name}: ${value}`).join(', ');
      const remark = drafted.remark === null ? '' : ` # ${comment(drafted.remark)}`;
      mapped.push(`${indent}${scalar(path)}: { ${body} }${remark}`);
    }
  }
  return { mapped, ignored };
}

function flags(column: CatalogueColumn): readonly (readonly [string, string])[] {
  if (column.generated !== null) return [['readOnly', 'true']];
  return column.nullable || column.hasDefault ? [] : [['required', 'true']];
}

function warning(column: CatalogueColumn): string {
  const fillable = column.nullable || column.hasDefault || column.generated !== null;
  return fillable ? '' : '; it is NOT NULL without a default, so the API cannot insert rows';
}

function renderPartitioned(table: CatalogueTable, indent: string): readonly string[] {
  if (table.partitions === null) return [];
  return [
    `${indent}# Partitioned: to attach, detach, drop or truncate a partition changes rows without any event of them.`,
  ];
}

function renderIgnored(ignored: readonly string[], indent: string): readonly string[] {
  if (ignored.length === 0) return [`${indent}ignore: []`];
  return [`${indent}ignore:`, ...ignored.map((line) => `${indent}  - ${line}`)];
}

function renderEmbeds(embeds: readonly DraftedEmbed[]): readonly string[] {
  if (embeds.length === 0) return [];
  const lines = embeds.flatMap(({ path, table, parentKey, key }) => {
    const { mapped, ignored } = renderColumns(table, {
      indent: '      ',
      skip: parentKey,
      taken: new Set(),
    });
    return [
      `  ${scalar(path)}:`,
      `    table: ${scalar(table.table)}`,
      ...renderPartitioned(table, '    '),
      `    parentKey: ${list(parentKey)}`,
      `    key: ${list(key)}`,
      '    cardinality: many',
      '    fields:',
      ...mapped,
      ...renderIgnored(ignored, '    '),
    ];
  });
  return ['embed:', ...lines];
}

/** Db2 tells no position to a writer, so a writable unit orders its rows by a column; a name is all to go by. */
function versionColumn(root: CatalogueTable): string | null {
  const column = root.columns.find(
    (candidate) =>
      /^(row|rec|record|change)?_?(version|ver|seq|sequence)(_?(no|nr|num|number))?$/i.test(candidate.name) &&
      candidate.type.toLowerCase() === 'bigint' &&
      !candidate.nullable &&
      !keyOf(root).includes(candidate.name),
  );
  return column?.name ?? null;
}

function renderMode(version: string | null): readonly string[] {
  if (version !== null) return ['mode: RW'];
  return [
    '# Read only, for want of a NOT NULL column of type BIGINT that is called a version or a sequence. With a column that',
    '# a trigger draws from one never-restarting sequence at every insert and update, and `version: { column: NAME }` under',
    '# legacy, this can be RW.',
    'mode: R',
  ];
}

function renderVersion(version: string | null): readonly string[] {
  if (version === null || version === 'lsn') return ['  version: lsn'];
  return [
    '  # Must be drawn from one never-restarting sequence at every insert and update of the table.',
    `  version: { column: ${scalar(version)} }`,
  ];
}

function topicOf(prefix: string, table: string): string {
  const topic = `${prefix}.${table}`;
  if (/^[A-Za-z0-9._-]{1,249}$/.test(topic)) return topic;
  throw new FicusError(
    'plan_invalid',
    `the topic of ${table} would be "${topic}", which Kafka does not take; legal are up to 249 letters, digits, ` +
      'dots, underscores and hyphens',
  );
}

function lastPart(table: string): string {
  return table.slice(table.indexOf('.') + 1);
}

function list(names: readonly string[]): string {
  return `[${names.map(scalar).join(', ')}]`;
}

/** Words that YAML 1.1 or 1.2 reads as something else than a text. */
const NO_TEXT = /^(true|false|yes|no|on|off|y|n|null|nan|inf)$/i;

/** A text as YAML takes it anywhere: plain when nothing can be misread, else as JSON, which YAML includes. */
function scalar(text: string): string {
  if (/^[A-Za-z_][\w.-]*$/.test(text) && !NO_TEXT.test(text)) return text;
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function comment(text: string): string {
  return text.replaceAll(/[\p{C}\u2028\u2029]+/gu, ' ');
}
