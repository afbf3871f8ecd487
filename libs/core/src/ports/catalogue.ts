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
}

export interface CatalogueReference {
  /** The table that holds the foreign key. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly references: string;
  readonly referencedColumns: readonly string[];
}

export interface CatalogueTable {
  /** `schema.table`, as Debezium names it. */
  readonly table: string;
  readonly columns: readonly CatalogueColumn[];
  /** Empty when the table has no primary key. */
  readonly primaryKey: readonly string[];
  /** Foreign keys of other tables that point at this one. */
  readonly referencedBy: readonly CatalogueReference[];
  /** Do events carry full before images (PostgreSQL: REPLICA IDENTITY FULL; Db2 LUW: always)? */
  readonly fullBeforeImages: boolean;
  readonly comment: string | null;
}

export interface Catalogue {
  /** @throws FicusError `value_invalid` naming the table and the nearest existing ones when there is none. */
  describe(table: string): Promise<CatalogueTable>;
  close(): Promise<void>;
}
