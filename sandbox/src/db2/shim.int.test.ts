import { describe, expect, it } from 'vitest';
import { openSession } from '#legacy/db2/driver';

/** IBM's real driver through the shim to Derby: what the unit tests of the protocol cannot know. */
function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this test needs the server it names`);
  return value;
}

const url = needed('TEST_DB2_URL');

describe('through the shim', () => {
  it('a statement and an answer longer than a segment arrive whole', async () => {
    const session = await openSession(url);
    const filler = 'x'.repeat(90_000);
    const [row] = await session.query(
      `SELECT TABNAME FROM SYSCAT.TABLES WHERE TABNAME = 'IBMSNAP_REGISTER' /* ${filler} */`,
    );
    expect(row).toEqual({ TABNAME: 'IBMSNAP_REGISTER' });
    const long = 'żółw '.repeat(3_000);
    const rows = await session.query(
      `SELECT CAST(? AS VARCHAR(32000)) AS V FROM SYS.SYSCOLUMNS FETCH FIRST 20 ROWS ONLY`,
      [long],
    );
    expect(rows.length).toBe(20);
    expect(rows.every((found) => found['V'] === long)).toBe(true);
    await session.close();
  });

  it('thirty sessions work side by side', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const session = await openSession(url, 60);
        const [row] = await session.query('SELECT CAST(? AS INTEGER) AS N FROM SYSIBM.SYSDUMMY1', [
          String(index),
        ]);
        await session.close();
        return row?.['N'];
      }),
    );
    expect(answers).toEqual(Array.from({ length: 30 }, (_, index) => index));
  });

  interface Case {
    readonly sql: string;
    readonly state: string;
  }
  const cases: readonly Case[] = [
    { sql: 'SELEC 1', state: '42601' },
    { sql: 'SELECT * FROM NOPE', state: '42704' },
    { sql: 'SELECT NOPE FROM SYSIBM.SYSDUMMY1', state: '42703' },
    { sql: `VALUES CAST('x' AS INTEGER)`, state: '22018' },
    { sql: 'VALUES 1 / 0', state: '22012' },
  ];
  it.each(cases)('$sql fails with $state, and the session goes on', async ({ sql, state }) => {
    const session = await openSession(url);
    await expect(session.query(sql)).rejects.toThrow(`SQLSTATE=${state}`);
    expect(await session.query('VALUES 1')).toHaveLength(1);
    await session.close();
  });

  it('a wrong password is refused', async () => {
    await expect(openSession(url.replace(/PWD=[^;]*/, 'PWD=wrong'))).rejects.toMatchObject({
      code: 'legacy_unavailable',
    });
  });
});
