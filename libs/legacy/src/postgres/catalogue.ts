import { FicusError } from '#core/errors';
import {
  type BeforeImages,
  type Catalogue,
  type CatalogueColumn,
  type CataloguePartition,
  type CatalogueReference,
  type CatalogueTable,
  TABLE_TRAITS,
} from '#core/ports/catalogue';
import { nearest } from '../nearest.ts';
import { type Column, readColumns, selectColumns } from './columns.ts';
import { Connections } from './connections.ts';
import { type Row, statement } from './statement.ts';

/** Digits of a second's fraction that PostgreSQL keeps when a column does not say. */
const DEFAULT_FRACTION = 6;

const TABLES = `
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ficus')
  AND n.nspname !~ '^pg_(toast|temp)' ORDER BY 1`;

/**
 * The replica identity of `c`, see `beforeImages`. An index that was dropped leaves USING INDEX behind and stands for
 * nothing; the primary key's own index is as good as DEFAULT.
 */
const IDENTITY = `CASE WHEN c.relreplident <> 'i' THEN c.relreplident::text
  ELSE COALESCE((SELECT CASE WHEN i.indisprimary THEN 'd' ELSE 'i' END
    FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisreplident), 'n') END`;

/**
 * Does an UPDATE of `c` fail once it is published? Since version 18 it does where the replica identity has a column that is
 * not published, as no generated column is by default, and no virtual one ever.
 */
const UNPUBLISHED_IDENTITY = `current_setting('server_version_num')::int >= 180000 AND EXISTS (
  SELECT FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)) t
  JOIN pg_catalog.pg_class own ON own.oid = t.relid AND own.relreplident = 'f'
  JOIN pg_catalog.pg_attribute a ON a.attrelid = own.oid AND a.attgenerated <> '' AND NOT a.attisdropped)`;

const TABLE = `
SELECT c.relkind::text, ${IDENTITY}, obj_description(c.oid, 'pg_class'),
  (SELECT json_agg(a.attname ORDER BY k.place)
   FROM pg_catalog.pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, place), pg_catalog.pg_attribute a
   WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.attnum)::text,
  (SELECT json_agg(u.columns ORDER BY u.columns::text) FROM (
    SELECT json_agg(a.attname ORDER BY k.place) AS columns
    FROM pg_catalog.pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, place), pg_catalog.pg_attribute a
    WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary AND i.indimmediate AND i.indisvalid
      AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
      AND a.attrelid = c.oid AND a.attnum = k.attnum
    GROUP BY i.indexrelid HAVING bool_and(a.attnotnull)
  ) u)::text,
  (SELECT json_agg(t.name) FROM (VALUES
    ('deferrable-key', EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND NOT i.indimmediate)),
    ('inherited', c.relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)),
    ('is-partition', c.relispartition),
    ('row-security', row_security_active(c.oid)),
    ('unlogged', c.relpersistence <> 'p'),
    ('unpublished-identity', ${UNPUBLISHED_IDENTITY})
   ) t (name, holds) WHERE t.holds)::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = $1 AND c.relkind IN ('r', 'p')`;

const PARTITIONS = `
SELECT n.nspname || '.' || c.relname, ${IDENTITY}
FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace m ON m.oid = r.relnamespace
CROSS JOIN LATERAL pg_catalog.pg_partition_tree(r.oid) t
JOIN pg_catalog.pg_class c ON c.oid = t.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE m.nspname || '.' || r.relname = $1 AND t.isleaf ORDER BY 1`;

/** Foreign keys that point at the table, but for those that a partition has from its root. */
const REFERENCES = `
SELECT n.nspname || '.' || child.relname,
  (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum)::text,
  (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum)::text
FROM pg_catalog.pg_constraint f
JOIN pg_catalog.pg_class child ON child.oid = f.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = child.relnamespace
JOIN pg_catalog.pg_class parent ON parent.oid = f.confrelid
JOIN pg_catalog.pg_namespace p ON p.oid = parent.relnamespace
WHERE f.contype = 'f' AND f.conparentid = 0 AND p.nspname || '.' || parent.relname = $1
ORDER BY 1, f.conname`;

/** PostgreSQL's description of its tables, from pg_catalog. */
export class PostgresCatalogue implements Catalogue {
  readonly #system: string;
  readonly #connections: Connections;

  constructor(system: string, url: string) {
    this.#system = system;
    this.#connections = new Connections(system, url);
  }

  async describe(table: string): Promise<CatalogueTable> {
    const [found] = await this.#connections.rows(statement(TABLE, [table]));
    if (found === undefined) throw await this.#unknown(table);
    const [kind, identity = null, comment = null, primaryKey = null, uniqueKeys = null, traits = null] =
      found;
    const columns = readColumns(await this.#connections.rows(selectColumns([table]))).get(table) ?? [];
    const references = await this.#connections.rows(statement(REFERENCES, [table]));
    return {
      table,
      columns: columns.map(describeColumn),
      primaryKey: names(primaryKey),
      uniqueKeys: uniqueKeys === null ? [] : (JSON.parse(uniqueKeys) as readonly (readonly string[])[]),
      referencedBy: references.map((row) => describeReference(table, row)),
      beforeImages: beforeImages(identity),
      partitions: kind === 'p' ? await this.#partitions(table) : null,
      traits: TABLE_TRAITS.filter((trait) => names(traits).includes(trait)),
      comment,
    };
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #partitions(table: string): Promise<readonly CataloguePartition[]> {
    const rows = await this.#connections.rows(statement(PARTITIONS, [table]));
    return rows.map(([name = null, identity = null]) => ({
      table: name ?? '',
      beforeImages: beforeImages(identity),
    }));
  }

  async #unknown(table: string): Promise<FicusError> {
    const rows = await this.#connections.rows(statement(TABLES));
    const near = nearest(
      table,
      rows.map(([name]) => name ?? ''),
    );
    return new FicusError(
      'value_invalid',
      `system ${this.#system} has no table ${table}; ` +
        (near.length === 0 ? 'it has no tables at all' : `the nearest are ${near.join(', ')}`),
    );
  }
}

/** Source: PostgreSQL documentation, "pg_class", `relreplident`. */
function beforeImages(identity: string | null): BeforeImages {
  switch (identity) {
    case 'f':
      return 'full';
    case 'd':
      return 'primary-key';
    case 'i':
      return 'other-index';
    default:
      return 'none';
  }
}

function describeColumn(column: Column): CatalogueColumn {
  const { first, second } = modifiers(column.declared);
  const sized = /^_?(bpchar|varchar)$|^bit$/.test(column.type);
  const timed = /^(time|timestamp)(tz)?$/.test(column.type);
  return {
    name: column.name,
    type: typeName(column),
    length: sized ? first : null,
    precision: column.type === 'numeric' ? first : timed ? (first ?? DEFAULT_FRACTION) : null,
    scale: column.type === 'numeric' && first !== null ? (second ?? 0) : null,
    nullable: !column.notNull,
    hasDefault: column.hasDefault || column.identity !== '',
    generated: column.identity === 'a' ? 'identity' : column.generated === '' ? null : 'expression',
    inLog: column.generated === '',
  };
}

/** As PostgreSQL's documentation writes it, without length or precision; an enum's own name says less than `enum`. */
function typeName(column: Column): string {
  if (column.family === 'e') return 'enum';
  if (column.declared.includes('.')) return column.type;
  return column.declared.replace(/\(-?\d+(,-?\d+)?\)/, '');
}

function modifiers(declared: string): { first: number | null; second: number | null } {
  const match = /\((\d+)(?:,(-?\d+))?\)/.exec(declared);
  const number = (text: string | undefined): number | null => (text === undefined ? null : Number(text));
  return { first: number(match?.[1]), second: number(match?.[2]) };
}

function describeReference(references: string, row: Row): CatalogueReference {
  const [table, columns = null, referencedColumns = null] = row;
  return {
    table: table ?? '',
    columns: names(columns),
    references,
    referencedColumns: names(referencedColumns),
  };
}

function names(json: string | null): readonly string[] {
  return json === null ? [] : (JSON.parse(json) as readonly string[]);
}
