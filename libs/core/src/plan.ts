import type { FieldType } from './field-type.ts';

/** What applications do with a unit: R read only (changed by others), RW both, W written and never read back. */
export const MODES = ['R', 'RW', 'W'] as const;
export type Mode = (typeof MODES)[number];

/** What a unit may be called: it stands in URLs, group names and metrics. */
export const UNIT_NAME = /^[a-z][a-z0-9-]{0,62}$/;
export const UNIT_NAME_RULE = 'lower-case letters, digits and hyphens, beginning with a letter, at most 63';

/** Documents are plain objects, where a member of such a name (`constructor`) would seem to be there always. */
export function isReserved(name: string): boolean {
  return name in Object.prototype;
}

/** One column of a legacy table and its place in the document. */
export interface Field {
  /** Dotted path in the document, e.g. `payee.iban`. */
  readonly path: string;
  /** The path cut at its dots. */
  readonly segments: readonly string[];
  readonly column: string;
  readonly type: FieldType;
  /** NOT NULL without a default in legacy: the API demands it on POST and PUT. */
  readonly required: boolean;
  /** Set by the legacy database itself (version column, generated column): never accepted from a client. */
  readonly readOnly: boolean;
}

/** How the rows of one table become (part of) a document. */
export interface RowMapping {
  /** `schema.table`, as Debezium names it in `source.schema` and `source.table`. */
  readonly table: string;
  /** Key columns in the plan's order. Each is a mapped field of the root; of an embedded row, see `Embed`. */
  readonly key: readonly string[];
  readonly fields: readonly Field[];
  /** Columns that are deliberately not mapped; any other unmapped column of an event is reported. */
  readonly ignore: readonly string[];
}

/** A child table whose rows stand inside the parent's document, as an array or (`one`) as a sub-document. */
export interface Embed extends RowMapping {
  /** Top-level name of the array or sub-document. */
  readonly path: string;
  readonly topic: string;
  /** Columns of the child that hold the parent's key, in the order of the parent's key. */
  readonly parentKey: readonly string[];
  readonly cardinality: 'many' | 'one';
}

/** Where a row's version comes from (DESIGN.md section 5): the log's position, or a column drawn from one sequence. */
export type VersionSource = { readonly kind: 'lsn' } | { readonly kind: 'column'; readonly column: string };

export const REPAIR_POLICIES = ['log-only', 'repair-and-log', 'repair'] as const;
export type RepairPolicy = (typeof REPAIR_POLICIES)[number];

/** A checked plan: the only description of a unit that the rest of Ficus knows. */
export interface Plan {
  readonly unit: string;
  readonly owner: string;
  readonly description: string;
  readonly mode: Mode;
  readonly system: string;
  readonly version: VersionSource;
  readonly topic: string;
  readonly collection: string;
  readonly root: RowMapping;
  readonly embeds: readonly Embed[];
  /** What becomes of a TRUNCATE: held as a dead letter for an operator, or replayed by itself. */
  readonly truncate: 'hold' | 'apply';
  readonly reconcile: {
    /** Cron expression of five fields, UTC; null: on demand only. */
    readonly schedule: string | null;
    readonly maxRowsPerSecond: number | null;
    readonly repair: RepairPolicy;
    readonly allowEmpty: boolean;
  };
  readonly levels: {
    /** Milliseconds behind the source's commit over which reads fall back to legacy and flips are refused. */
    readonly lagMs: number;
    /** Confirmed differences per million compared rows that a flip tolerates. */
    readonly driftPpm: number;
    /** Milliseconds after which a verification is too old to flip on. */
    readonly verifiedMs: number;
    /** Of the last 1,000 records, from 0 to 1: with more that cannot be applied the unit stops. */
    readonly badShare: number;
  };
}

/** The fields that form the key of a mapping, in key order. */
export function keyFields(mapping: RowMapping): readonly Field[] {
  return once(KEY_FIELDS, mapping, () =>
    mapping.key.map((column) => {
      const field = mapping.fields.find((candidate) => candidate.column === column);
      if (field === undefined)
        throw new Error(`broken assumption: key column ${column} of ${mapping.table} is not mapped`);
      return field;
    }),
  );
}

/** The fields in code-point order of their paths, which is what a row's digest goes by. */
export function fieldsByPath(mapping: RowMapping): readonly Field[] {
  return once(BY_PATH, mapping, () =>
    [...mapping.fields].sort((one, other) => (one.path < other.path ? -1 : 1)),
  );
}

/** What follows from a mapping alone, and what every event asks for, is made once. */
const KEY_FIELDS = new WeakMap<RowMapping, readonly Field[]>();
const BY_PATH = new WeakMap<RowMapping, readonly Field[]>();
const KNOWN = new WeakMap<RowMapping, ReadonlySet<string>>();

function once<T>(made: WeakMap<RowMapping, T>, mapping: RowMapping, make: () => T): T {
  const found = made.get(mapping);
  if (found !== undefined) return found;
  const fresh = make();
  made.set(mapping, fresh);
  return fresh;
}

/** The mapping that an event's table belongs to: the root, one of the embeds, or null for a foreign table. */
export function mappingOf(plan: Plan, table: string): { mapping: RowMapping; embed: Embed | null } | null {
  if (plan.root.table === table) return { mapping: plan.root, embed: null };
  const embed = plan.embeds.find((candidate) => candidate.table === table);
  return embed === undefined ? null : { mapping: embed, embed };
}

/** Does the plan say what becomes of the column? */
export function knowsColumn(plan: Plan, table: string, column: string): boolean {
  const found = mappingOf(plan, table);
  return found !== null && knownColumns(found.mapping, found.embed).has(column);
}

/** The columns of which the plan says what becomes of them. */
export function knownColumns(mapping: RowMapping, embed: Embed | null): ReadonlySet<string> {
  return once(KNOWN, mapping, () => {
    const columns = mapping.fields.map((field) => field.column);
    return new Set([...columns, ...mapping.ignore, ...(embed?.parentKey ?? [])]);
  });
}

/** Every table of the unit (`schema.table`): the root's first. */
export function tablesOf(plan: Plan): readonly string[] {
  return [plan.root.table, ...plan.embeds.map((embed) => embed.table)];
}

/** Every topic of the unit: the root's first. */
export function topicsOf(plan: Plan): readonly string[] {
  return [plan.topic, ...plan.embeds.map((embed) => embed.topic)];
}

/** The topic of one table of the unit. */
export function topicOf(plan: Plan, table: string): string {
  return plan.embeds.find((embed) => embed.table === table)?.topic ?? plan.topic;
}

/** The consumer group of a unit's forward leg; its committed offsets say what is applied. */
export function forwardGroup(unit: string): string {
  return `ficus-forward-${unit}`;
}
