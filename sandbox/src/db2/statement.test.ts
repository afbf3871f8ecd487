import { describe, expect, it } from 'vitest';
import { rewriteStatement } from './statement.ts';

interface Case {
  readonly sql: string;
  readonly expected: string;
}

const cases: readonly Case[] = [
  { sql: 'SELECT * FROM SYSCAT.TABLES', expected: 'SELECT * FROM CATSYS.TABLES' },
  { sql: 'select * from syscat . tables', expected: 'select * from CATSYS . tables' },
  {
    sql: 'SELECT "SYSCAT"."TABLES".TABNAME FROM "SYSCAT"."TABLES"',
    expected: 'SELECT "CATSYS"."TABLES".TABNAME FROM "CATSYS"."TABLES"',
  },
  { sql: "SELECT 'it''s SYSCAT.x' FROM MYSYSCAT.T", expected: "SELECT 'it''s SYSCAT.x' FROM MYSYSCAT.T" },
  { sql: 'SELECT HEX(VARCHAR(A)), HEX(B) FROM T', expected: 'SELECT HXT(VARCHAR(A)), HEX(B) FROM T' },
  { sql: `SELECT "HEX(RTRIM(" FROM T`, expected: `SELECT "HEX(RTRIM(" FROM T` },
  { sql: `SELECT "A""SYSCAT".X FROM T`, expected: `SELECT "A""SYSCAT".X FROM T` },
  { sql: 'SELECT SYSCAT FROM T', expected: 'SELECT SYSCAT FROM T' },
  { sql: "SET CLIENT APPLNAME 'ficus-api'", expected: 'SET CURRENT ISOLATION CS       ' },
  { sql: "SET CURRENT LOCALE LC_CTYPE = 'en_US'", expected: 'SET CURRENT ISOLATION CS             ' },
  { sql: 'SET CURRENT SCHEMA FICUS', expected: 'SET CURRENT SCHEMA FICUS' },
];

describe('rewriteStatement', () => {
  it.each(cases)('$sql', ({ sql, expected }) => {
    expect(rewriteStatement(sql)).toBe(expected);
    expect(rewriteStatement(sql).length).toBe(sql.length);
  });
});
