import { FicusError } from '#core/errors';
import type { Catalogue, CatalogueColumn, CatalogueReference, CatalogueTable } from '#core/ports/catalogue';
import type { Clock } from '#core/ports/clock';
import { nearest } from '../nearest.ts';
import { type Column, readColumn, selectColumns } from './columns.ts';
import type { Row } from './driver.ts';
import { Pool } from './pool.ts';

/** Db2's own description of its tables, from SYSCAT. */
export class Db2Catalogue implements Catalogue {
  readonly #system: string;
  readonly #pool: Pool;

  constructor(system: string, url: string, clock: Clock) {
    this.#system = system;
    this.#pool = new Pool(url, clock);
  }

  async describe(table: string): Promise<CatalogueTable> {
    const [schema = '', name = ''] = table.split('.');
    const { text, parameters } = selectColumns(table);
    const columns = await this.#query(text, parameters);
    const [described] = await this.#query(
      `SELECT DATACAPTURE, REMARKS FROM SYSCAT.TABLES WHERE TABSCHEMA = ? AND TABNAME = ? AND TYPE = 'T'`,
      [schema, name],
    );
    if (columns.length === 0 || described === undefined) throw await this.#unknown(table);
    return {
      table,
      columns: columns.map((row) => catalogueColumn(readColumn(row))),
      primaryKey: await this.#primaryKey(schema, name),
      // Ficus follows no table of Db2 that has no primary key.
      uniqueKeys: [],
      referencedBy: await this.#references(schema, name),
      // Debezium's connector for Db2 on Linux, UNIX and Windows has both images of every update.
      beforeImages: 'full',
      partitions: null,
      traits: [],
      comment: described['REMARKS'] === null ? null : String(described['REMARKS']),
    };
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #primaryKey(schema: string, name: string): Promise<readonly string[]> {
    const rows = await this.#query(
      `SELECT K.COLNAME FROM SYSCAT.KEYCOLUSE K JOIN SYSCAT.TABCONST C
         ON C.CONSTNAME = K.CONSTNAME AND C.TABSCHEMA = K.TABSCHEMA AND C.TABNAME = K.TABNAME
       WHERE C.TYPE = 'P' AND K.TABSCHEMA = ? AND K.TABNAME = ? ORDER BY K.COLSEQ`,
      [schema, name],
    );
    return rows.map((row) => String(row['COLNAME']));
  }

  async #references(schema: string, name: string): Promise<readonly CatalogueReference[]> {
    const constraints = await this.#query(
      `SELECT CONSTNAME, TABSCHEMA, TABNAME, REFKEYNAME FROM SYSCAT."REFERENCES"
       WHERE REFTABSCHEMA = ? AND REFTABNAME = ? ORDER BY TABSCHEMA, TABNAME, CONSTNAME`,
      [schema, name],
    );
    const found: CatalogueReference[] = [];
    for (const row of constraints) {
      const child = { schema: String(row['TABSCHEMA']).trim(), name: String(row['TABNAME']) };
      found.push({
        table: `${child.schema}.${child.name}`,
        columns: await this.#keyColumns(child.schema, child.name, String(row['CONSTNAME'])),
        references: `${schema}.${name}`,
        referencedColumns: await this.#keyColumns(schema, name, String(row['REFKEYNAME'])),
      });
    }
    return found;
  }

  async #keyColumns(schema: string, name: string, constraint: string): Promise<readonly string[]> {
    const rows = await this.#query(
      `SELECT COLNAME FROM SYSCAT.KEYCOLUSE WHERE TABSCHEMA = ? AND TABNAME = ? AND CONSTNAME = ? ORDER BY COLSEQ`,
      [schema, name, constraint],
    );
    return rows.map((row) => String(row['COLNAME']));
  }

  async #unknown(table: string): Promise<FicusError> {
    const rows = await this.#query(
      `SELECT TABSCHEMA, TABNAME FROM SYSCAT.TABLES WHERE TYPE = 'T' AND TABSCHEMA NOT LIKE 'SYS%'`,
    );
    const names = rows.map((row) => `${String(row['TABSCHEMA']).trim()}.${String(row['TABNAME'])}`);
    return new FicusError(
      'value_invalid',
      `system ${this.#system} has no table ${table}; the nearest are ${nearest(table, names).join(', ')}`,
    );
  }

  async #query(text: string, parameters: readonly (string | null)[] = []): Promise<readonly Row[]> {
    return await this.#pool.use((session) => session.query(text, parameters));
  }
}

function catalogueColumn(column: Column): CatalogueColumn {
  const decimal = column.type === 'DECIMAL';
  const text = column.type === 'CHARACTER' || column.type === 'VARCHAR';
  return {
    name: column.name,
    type: column.bits ? `${column.type} FOR BIT DATA` : column.type,
    length: text ? column.length : null,
    precision: decimal ? column.length : null,
    scale: decimal || column.type === 'TIMESTAMP' ? column.scale : null,
    nullable: column.nullable,
    hasDefault: column.hasDefault,
    generated: !column.generated ? null : column.identity ? 'identity' : 'expression',
    inLog: true,
  };
}
