/** A legacy database's own description of a table: what `ficus plan init` and `plan check --live` read. */
export interface CatalogueColumn {
  readonly name: string;
  /** The database's own name of the type, e.g. `numeric`, `character`, `timestamp with time zone`, `DECIMAL`. */
  readonly type: string;
  readonly length: number | null;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly nullable: boolean;
  readonly hasDefault: boolean;
  /** Filled by the database whatever a client sends: an identity column (ALWAYS), or one computed from others. */
  readonly generated: 'identity' | 'expression' | null;
  /** Do events carry it? PostgreSQL's log has no computed columns. */
  readonly inLog: boolean;
}

/** What else of a table stands in the way of following it; `core/plan-catalogue` says why. */
export const TABLE_TRAITS = [
  'deferrable-key',
  'inherited',
  'is-partition',
  'row-security',
  'unlogged',
  'unpublished-identity',
] as const;
export type TableTrait = (typeof TABLE_TRAITS)[number];

export interface CatalogueReference {
  /** The table that holds the foreign key. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly references: string;
  readonly referencedColumns: readonly string[];
}

/**
 * What the log says of the row that an UPDATE or DELETE replaces: the whole row, its primary key, the columns of another
 * index, or nothing. PostgreSQL: REPLICA IDENTITY FULL, DEFAULT, USING INDEX, NOTHING; Db2 LUW: always the whole row.
 */
export type BeforeImages = 'full' | 'primary-key' | 'other-index' | 'none';

/** A partition that holds rows itself; each has before images of its own, whatever the table says. */
export interface CataloguePartition {
  /** `schema.table` */
  readonly table: string;
  readonly beforeImages: BeforeImages;
}

export interface CatalogueTable {
  /** `schema.table`, as Debezium names it. */
  readonly table: string;
  readonly columns: readonly CatalogueColumn[];
  /** Empty when the table has no primary key. */
  readonly primaryKey: readonly string[];
  /** Columns of each other unique index that lets no two rows have them alike: none may be NULL, all rows are in it. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Foreign keys of other tables that point at this one. */
  readonly referencedBy: readonly CatalogueReference[];
  readonly beforeImages: BeforeImages;
  /** Null when the table is not partitioned, or its partitions do not show in the log (Db2). */
  readonly partitions: readonly CataloguePartition[] | null;
  readonly traits: readonly TableTrait[];
  readonly comment: string | null;
}

export interface Catalogue {
  /** @throws FicusError `value_invalid` naming the table and the nearest existing ones when there is none. */
  describe(table: string): Promise<CatalogueTable>;
  close(): Promise<void>;
}
