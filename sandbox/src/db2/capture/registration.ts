import type { Db2Session } from '#legacy/db2/driver';
import { CONTROL_SCHEMA } from '../control.ts';
import { type Column, declaration, isCaptured, quoted, type Table, tableName } from './column.ts';

/**
 * A table that is captured. Its triggers write every change into a log table, in the transaction that makes it; the
 * change-data table that SQL Replication would fill is a view of the log's committed part.
 */
export interface Registered extends Table {
  /** `"ASNCDC"."LOG_<schema>_<table>"` */
  readonly log: string;
}

/** The table as the catalogue has it, or null. Columns of types that cannot be captured are left out. */
export async function describeTable(session: Db2Session, qualified: string): Promise<Table | null> {
  const [schema = '', name = ''] = qualified.split('.');
  const rows = await session.query(
    `SELECT COLNAME, TYPENAME, LENGTH, SCALE, CODEPAGE FROM SYSCAT.COLUMNS
     WHERE TABSCHEMA = ? AND TABNAME = ? ORDER BY COLNO`,
    [schema, name],
  );
  if (rows.length === 0) return null;
  const columns = rows.map((row): Column => {
    const type = String(row['TYPENAME']);
    return {
      name: String(row['COLNAME']),
      type,
      length: Number(row['LENGTH']),
      scale: Number(row['SCALE']),
      bits: (type === 'CHARACTER' || type === 'VARCHAR') && Number(row['CODEPAGE']) === 0,
    };
  });
  // Not by COLUMNS.KEYSEQ, which the stand-in's catalogue lacks.
  const key = await session.query(
    `SELECT K.COLNAME FROM SYSCAT.KEYCOLUSE K JOIN SYSCAT.TABCONST C
       ON C.CONSTNAME = K.CONSTNAME AND C.TABSCHEMA = K.TABSCHEMA AND C.TABNAME = K.TABNAME
     WHERE C.TYPE = 'P' AND K.TABSCHEMA = ? AND K.TABNAME = ? ORDER BY K.COLSEQ`,
    [schema, name],
  );
  return { schema, name, columns: columns.filter(isCaptured), key: key.map((row) => String(row['COLNAME'])) };
}

export function registered(table: Table): Registered {
  return { ...table, log: `"${CONTROL_SCHEMA}".${quoted(`LOG_${table.schema}_${table.name}`)}` };
}

/** The control columns of every log table, before the row's image. */
const CONTROL_COLUMNS = ['IBMSNAP_INTENTSEQ', 'IBMSNAP_UOWID', 'IBMSNAP_LOGTIME', 'IBMSNAP_OPERATION'];

/** Statements that make a table captured, its log first. Exported for its test. */
export function registrationStatements(table: Registered): readonly string[] {
  const names = table.columns.map((column) => quoted(column.name));
  const into = `INSERT INTO ${table.log} (${[...CONTROL_COLUMNS, ...names].join(', ')})`;
  const drawn = `NEXT VALUE FOR ${CONTROL_SCHEMA}.LOGSEQ, ${CONTROL_SCHEMA}.LOGUNIT(), CURRENT_TIMESTAMP`;
  const images = (row: string): string => names.map((name) => `${row}.${name}`).join(', ');
  const either = names.map((name) => `CASE WHEN X.OP = 'D' THEN O.${name} ELSE N.${name} END`).join(', ');
  const trigger = (when: string): string =>
    `CREATE TRIGGER ${triggerName(table, when)} AFTER ${when} ON ${tableName(table)}`;
  const declared = table.columns.map((column) => `${quoted(column.name)} ${declaration(column)}`);
  return [
    `CREATE TABLE ${table.log} (IBMSNAP_INTENTSEQ BIGINT NOT NULL PRIMARY KEY, IBMSNAP_UOWID VARCHAR(40) NOT NULL,
       IBMSNAP_LOGTIME TIMESTAMP NOT NULL, IBMSNAP_OPERATION CHAR(1) NOT NULL, ${declared.join(', ')})`,
    `CREATE VIEW ${changeView(table)} (IBMSNAP_COMMITSEQ, IBMSNAP_INTENTSEQ, IBMSNAP_OPERATION, ${names.join(', ')}) AS
       SELECT ${CONTROL_SCHEMA}.LSN(U.IBMSNAP_COMMITSEQ), ${CONTROL_SCHEMA}.LSN(L.IBMSNAP_INTENTSEQ), L.IBMSNAP_OPERATION, ${images('L')}
       FROM ${table.log} L JOIN ${CONTROL_SCHEMA}.IBMSNAP_UOW U ON U.IBMSNAP_UOWID = L.IBMSNAP_UOWID
         AND L.IBMSNAP_INTENTSEQ BETWEEN U.IBMSNAP_FIRSTSEQ AND U.IBMSNAP_LASTSEQ`,
    `${trigger('INSERT')} REFERENCING NEW AS N FOR EACH ROW ${into} VALUES (${drawn}, 'I', ${images('N')})`,
    `${trigger('DELETE')} REFERENCING OLD AS O FOR EACH ROW ${into} VALUES (${drawn}, 'D', ${images('O')})`,
    // One statement for both images, so that nothing comes between them.
    `${trigger('UPDATE')} REFERENCING OLD AS O NEW AS N FOR EACH ROW ${into}
       SELECT ${drawn}, X.OP, ${either} FROM (VALUES 'D', 'I') X (OP)`,
  ];
}

function triggerName(table: Table, when: string): string {
  return `${quoted(table.schema)}.${quoted(`CAPTURE_${table.name}_${when}`)}`;
}

function changeView(table: Table): string {
  return `"${CONTROL_SCHEMA}".${quoted(changeViewName(table))}`;
}

function changeViewName(table: Table): string {
  return `CDC_${table.schema}_${table.name}`;
}

/** Makes the table captured unless it is already. All in one transaction: DDL is transactional in Derby. */
export async function register(session: Db2Session, table: Registered): Promise<void> {
  const known = await session.query(
    `SELECT 1 FROM ${CONTROL_SCHEMA}.IBMSNAP_REGISTER WHERE SOURCE_OWNER = ? AND SOURCE_TABLE = ?`,
    [table.schema, table.name],
  );
  if (known.length > 0) return;
  await session.begin();
  try {
    for (const statement of registrationStatements(table)) await session.execute(statement);
    await session.execute(
      `INSERT INTO ${CONTROL_SCHEMA}.IBMSNAP_REGISTER
         (SOURCE_OWNER, SOURCE_TABLE, CD_OWNER, CD_TABLE, LOG_TABLE, GLOBAL_RECORD, STATE) VALUES (?, ?, ?, ?, ?, 'N', 'A')`,
      [table.schema, table.name, CONTROL_SCHEMA, changeViewName(table), `LOG_${table.schema}_${table.name}`],
    );
    await session.commit();
  } catch (error) {
    await session.rollback();
    throw error;
  }
}

/** Every table whose changes are logged, whichever connector asked for it. */
export async function registeredTables(session: Db2Session): Promise<readonly Registered[]> {
  const rows = await session.query(
    `SELECT SOURCE_OWNER, SOURCE_TABLE FROM ${CONTROL_SCHEMA}.IBMSNAP_REGISTER WHERE GLOBAL_RECORD = 'N'`,
  );
  const found: Registered[] = [];
  for (const row of rows) {
    const table = await describeTable(
      session,
      `${String(row['SOURCE_OWNER'])}.${String(row['SOURCE_TABLE'])}`,
    );
    if (table !== null) found.push(registered(table));
  }
  return found;
}
