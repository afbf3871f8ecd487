import type { FieldType } from './field-type.ts';
import type { Embed, Plan, RowMapping } from './plan.ts';
import type { CatalogueTable } from './ports/catalogue.ts';

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
  return [
    ...checkMapping(plan, plan.root, null, tables.get(plan.root.table)),
    ...plan.embeds.flatMap((embed) => checkMapping(plan, embed, embed, tables.get(embed.table))),
  ];
}

function checkMapping(
  plan: Plan,
  mapping: RowMapping,
  embed: Embed | null,
  table: CatalogueTable | undefined,
): CatalogueFault[] {
  const fault = (message: string): CatalogueFault => ({ unit: plan.unit, table: mapping.table, message });
  if (table === undefined) return [fault('the legacy database has no such table')];
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  const parentKey = embed?.parentKey ?? [];
  const named = [...mapping.fields.map((field) => field.column), ...mapping.ignore, ...parentKey];
  const faults = [...new Set(named)]
    .filter((column) => !columns.has(column))
    .map((column) =>
      fault(
        `column ${column} is named by the plan but not in the table, which has ${[...columns.keys()].join(', ')}`,
      ),
    );
  const known = new Set(named);
  for (const column of columns.keys()) {
    if (!known.has(column)) faults.push(fault(`column ${column} is neither mapped nor listed under ignore`));
  }
  for (const field of mapping.fields) {
    const actual = columns.get(field.column)?.precision ?? null;
    const planned = fraction(field.type);
    if (planned !== null && actual !== null && planned !== actual)
      faults.push(
        fault(
          `column ${field.column} has ${actual} fractional digits, but ${field.path} says precision ${planned}`,
        ),
      );
  }
  return [...faults, ...checkIdentity(plan, mapping, embed, table, fault)];
}

/** Without schemas, the log carries times in a unit that follows from the column's precision. */
function fraction(type: FieldType): number | null {
  return type.kind === 'time' || type.kind === 'timestamp' || type.kind === 'timestamptz'
    ? type.precision
    : null;
}

/** The before image of a delete is where its version stands. */
function checkVersion(
  plan: Plan,
  mapping: RowMapping,
  table: CatalogueTable,
  fault: (message: string) => CatalogueFault,
): CatalogueFault[] {
  if (plan.version.kind === 'lsn' || table.fullBeforeImages) return [];
  const { column } = plan.version;
  if (!mapping.fields.some((field) => field.column === column)) return [];
  return [
    fault(
      `rows are ordered by ${column}, but a delete would come without it; set REPLICA IDENTITY FULL, or order by lsn`,
    ),
  ];
}

function checkIdentity(
  plan: Plan,
  mapping: RowMapping,
  embed: Embed | null,
  table: CatalogueTable,
  fault: (message: string) => CatalogueFault,
): CatalogueFault[] {
  const primary = table.primaryKey;
  if (primary.length === 0) {
    return table.fullBeforeImages
      ? []
      : [
          fault(
            'the table has no primary key and sends no full before images; add a key, or set REPLICA IDENTITY FULL and name a unique key',
          ),
        ];
  }
  const identity = embed === null ? mapping.key : [...embed.parentKey, ...mapping.key];
  const missing = primary.filter((column) => !identity.includes(column));
  const faults: CatalogueFault[] = checkVersion(plan, mapping, table, fault);
  if (missing.length > 0)
    faults.push(
      fault(
        `the primary key is ${primary.join(', ')}, but ${missing.join(', ')} is no part of the plan's key`,
      ),
    );
  if (table.fullBeforeImages) return faults;
  const outside = identity.filter((column) => !primary.includes(column));
  if (outside.length > 0) {
    const what = embed === null ? 'key' : 'key or parentKey';
    faults.push(
      fault(
        `${outside.join(', ')} is part of the plan's ${what} but not of the primary key, so a delete could not find its document; set REPLICA IDENTITY FULL`,
      ),
    );
  }
  return faults;
}
