import { FUNCTIONS_CLASS } from './functions.ts';
import { HEX_OF_TEXT_NAME } from './statement.ts';

/**
 * What stands in the database beside the estate: the control tables of SQL Replication as far as they are used, in
 * the schema that Debezium's Db2 connector expects them in. The STAND-IN fills them by triggers where Db2 reads its log.
 *
 * `LOGSEQ` is the one sequence that orders everything, as positions in Db2's log do: changes draw from it when their
 * row is locked, commits when they are first seen (capture/log.ts).
 */
export const CONTROL_SCHEMA = 'ASNCDC';

function javaFunction(signature: string, method: string, access: 'NO SQL' | 'READS SQL DATA'): string {
  const fixed = access === 'NO SQL' ? 'DETERMINISTIC ' : '';
  return `CREATE FUNCTION ${signature} LANGUAGE JAVA PARAMETER STYLE JAVA ${fixed}${access} RETURNS NULL ON NULL INPUT EXTERNAL NAME '${FUNCTIONS_CLASS}.${method}'`;
}

const HEX = 'HEX(B VARCHAR(32672) FOR BIT DATA) RETURNS VARCHAR(32672)';

/** Derby cannot have two functions of one name: the shim calls this one where HEX gets a text. */
const HEX_OF_TEXT = `${HEX_OF_TEXT_NAME}(T VARCHAR(32672)) RETURNS VARCHAR(32672)`;

/** @param user whose schema is the default one: there stands HEX, which Db2 has of itself. */
export function controlStatements(user: string): readonly string[] {
  const s = CONTROL_SCHEMA;
  return [
    `CREATE SCHEMA ${s}`,
    `CREATE SCHEMA ${user.toUpperCase()}`,
    javaFunction(`${user.toUpperCase()}.${HEX}`, 'hex', 'NO SQL'),
    javaFunction(`${user.toUpperCase()}.${HEX_OF_TEXT}`, 'hexOfText', 'NO SQL'),
    javaFunction(`${s}.${HEX}`, 'hex', 'NO SQL'),
    javaFunction(`${s}.LSN(N BIGINT) RETURNS VARCHAR(16) FOR BIT DATA`, 'sequence', 'NO SQL'),
    javaFunction(`${s}.LOGUNIT() RETURNS VARCHAR(40)`, 'unit', 'READS SQL DATA'),
    `CREATE SEQUENCE ${s}.LOGSEQ AS BIGINT START WITH 1`,
    // One row a captured table; the row with GLOBAL_RECORD 'Y' says how far the log is read.
    `CREATE TABLE ${s}.IBMSNAP_REGISTER (
       SOURCE_OWNER VARCHAR(128) NOT NULL, SOURCE_TABLE VARCHAR(128) NOT NULL,
       CD_OWNER VARCHAR(128), CD_TABLE VARCHAR(128), LOG_TABLE VARCHAR(128),
       CD_NEW_SYNCHPOINT VARCHAR(16) FOR BIT DATA, CD_OLD_SYNCHPOINT VARCHAR(16) FOR BIT DATA,
       SYNCHPOINT VARCHAR(16) FOR BIT DATA, SYNCHTIME TIMESTAMP,
       GLOBAL_RECORD CHAR(1) NOT NULL, STATE CHAR(1) NOT NULL,
       PRIMARY KEY (SOURCE_OWNER, SOURCE_TABLE))`,
    // One row a committed transaction: which rows of the log are its, and when it was.
    `CREATE TABLE ${s}.IBMSNAP_UOW (
       IBMSNAP_COMMITSEQ BIGINT NOT NULL PRIMARY KEY, IBMSNAP_UOWID VARCHAR(40) NOT NULL,
       IBMSNAP_FIRSTSEQ BIGINT NOT NULL, IBMSNAP_LASTSEQ BIGINT NOT NULL, IBMSNAP_LOGMARKER TIMESTAMP NOT NULL)`,
  ];
}
