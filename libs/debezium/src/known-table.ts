import type { Plan, RowMapping } from '#core/plan';
import { adjustedNames } from './adjusted-name.ts';
import { columnName } from './column-name.ts';
import type { Side } from './side.ts';

/** A table as a plan knows it, for records that do not say all of it themselves. */
export interface KnownTable {
  /** `schema.table`. */
  readonly table: string;
  /** Does the connector change names to what Avro can spell in every format? */
  readonly isAdjusted: boolean;
  /** The database's name of a column by such a one. */
  readonly byAdjusted: (wire: string) => string;
  /** Of an embedded table: the columns that hold the parent's key. */
  readonly parentKey: readonly string[];
}

/** The database's names of columns by those that a side has: Avro has adjusted ones whatever the connector says now. */
export function namesOf(known: KnownTable | null, side: Side): (wire: string) => string {
  return known !== null && (side.isAvro || known.isAdjusted) ? known.byAdjusted : columnName;
}

/** The tables of one plan. */
export class KnownTables {
  readonly #byName = new Map<string, KnownTable>();
  readonly #byTopic = new Map<string, KnownTable | null>();

  constructor(plan: Plan, adjusted: boolean) {
    const add = (
      topic: string,
      { table, fields, key, ignore }: RowMapping,
      parentKey: readonly string[],
    ): void => {
      const version = plan.version.kind === 'column' ? [plan.version.column] : [];
      const columns = [...fields.map(({ column }) => column), ...key, ...parentKey, ...ignore, ...version];
      const byAdjusted = adjustedNames(table, columns);
      const known = { table, isAdjusted: adjusted, byAdjusted, parentKey };
      this.#byName.set(table, known);
      // Two tables on one topic: a record must say which.
      this.#byTopic.set(topic, this.#byTopic.has(topic) ? null : known);
    };
    add(plan.topic, plan.root, []);
    for (const embed of plan.embeds) add(embed.topic, embed, embed.parentKey);
  }

  byName(table: string): KnownTable | null {
    return this.#byName.get(table) ?? null;
  }

  /** The one table whose records are on the topic, null when there is none or there are several. */
  byTopic(topic: string): KnownTable | null {
    return this.#byTopic.get(topic) ?? null;
  }
}
