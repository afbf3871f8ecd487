import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AdminClient } from '../sandbox/src/estate/admin-client.ts';
import { withClient, withDatabase } from '../sandbox/src/estate/billing.ts';
import { BILLING } from '../sandbox/src/estate/billing-schema.ts';
import { compareBytes } from '../sandbox/src/estate/compare.ts';
import { waitFor } from '../sandbox/src/process/poll.ts';

/** Tables without a primary key join the running estate by their unique keys, whatever these are called. */

const run = promisify(execFile);
const SCHEMA = `ledger_${Date.now().toString(36)}`;
const UNIT = `entries-${Date.now().toString(36)}`;
const ENTRIES = 400;

const TABLES = `
CREATE SCHEMA ${SCHEMA};
CREATE TABLE ${SCHEMA}.entry (
  text text, "Book, or: ledger;" varchar(8) NOT NULL, "no." bigint NOT NULL, amount numeric(12,2),
  UNIQUE ("no.", "Book, or: ledger;")
);
CREATE TABLE ${SCHEMA}.posting (
  line int NOT NULL, "no." bigint NOT NULL, book varchar(8) NOT NULL, account text,
  UNIQUE (book, "no.", line),
  FOREIGN KEY (book, "no.") REFERENCES ${SCHEMA}.entry ("Book, or: ledger;", "no.") ON UPDATE CASCADE ON DELETE CASCADE
);
INSERT INTO ${SCHEMA}.entry SELECT 'entry ' || n, 'B' || n % 7, n, n / 8.0 FROM generate_series(1, ${ENTRIES}) n;
INSERT INTO ${SCHEMA}.posting SELECT line, "no.", "Book, or: ledger;", 'a' || line FROM ${SCHEMA}.entry, generate_series(1, 2) line;
GRANT USAGE ON SCHEMA ${SCHEMA} TO ficus, ficus_capture;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${SCHEMA} TO ficus;
GRANT SELECT ON ALL TABLES IN SCHEMA ${SCHEMA} TO ficus_capture;
`;
const FULL = `ALTER TABLE ${SCHEMA}.entry REPLICA IDENTITY FULL; ALTER TABLE ${SCHEMA}.posting REPLICA IDENTITY FULL;`;

/** Each row several times, so that changes which lost their order would show. */
const CHANGES = [
  `UPDATE ${SCHEMA}.entry SET amount = amount + 1, text = text || '!'`,
  `UPDATE ${SCHEMA}.entry SET "no." = "no." + 100000 WHERE "no." % 3 = 0`,
  `UPDATE ${SCHEMA}.entry SET text = NULL WHERE "no." % 5 = 0`,
  `UPDATE ${SCHEMA}.posting SET account = account || '-' || "no."`,
  `DELETE FROM ${SCHEMA}.posting WHERE line = 2 AND "no." % 2 = 0`,
  `DELETE FROM ${SCHEMA}.entry WHERE "no." % 11 = 0`,
  `UPDATE ${SCHEMA}.entry SET "no." = "no." - 100000 WHERE "no." > 100000 AND "no." % 2 = 0`,
  `INSERT INTO ${SCHEMA}.entry VALUES ('late', 'B0', 11, -1)`,
  `UPDATE ${SCHEMA}.posting SET line = line + 10 WHERE "no." % 4 = 1`,
];

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this test needs the running estate`);
  return value;
}

const billing = withDatabase(needed('TEST_POSTGRES_URL'), BILLING);
const admin = new AdminClient(needed('FICUS_ADMIN_URL'));
const api = needed('FICUS_API_URL');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ficus-keyless-'));
  await sql(TABLES);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function sql(text: string): Promise<void> {
  await withClient(billing, (client) => client.query(text));
}

/** What the command line prints; rejects when it fails. */
async function ficus(...args: string[]): Promise<string> {
  const main = join(import.meta.dirname, '..', 'apps', 'cli', 'src', 'main.ts');
  return (await run(process.execPath, ['--conditions=source', main, ...args])).stdout;
}

function init(): Promise<string> {
  const names = ['billing', `${SCHEMA}.entry`, '--unit', UNIT, '--owner', 'ledgers'];
  return ficus('plan', 'init', ...names);
}

it('a draft is refused while the log does not tell which row a change is of, with what to do', async () => {
  await expect(init()).rejects.toMatchObject({
    stderr: expect.stringMatching(
      `no primary key.*ALTER TABLE "${SCHEMA}"."entry" REPLICA IDENTITY FULL.*\\(no., Book, or: ledger;\\)`,
    ),
  });
  await sql(FULL);
});

it('they are read whole, and every change of them arrives', async () => {
  const plan = join(folder, 'entries.yaml');
  await writeFile(plan, await init());
  await ficus('plan', 'apply', plan);
  await waitFor(
    `the snapshot of ${UNIT}`,
    async () => {
      const { snapshot } = await admin.unit(UNIT);
      if (!snapshot?.complete) throw new Error(`${snapshot?.rows} rows`);
    },
    { timeoutMs: 180_000, everyMs: 250 },
  );
  expect(await compareBytes(api, UNIT)).toMatchObject({ documents: ENTRIES, unequal: [] });
  for (const change of CHANGES) await sql(change);
  const id = await admin.requestVerification(UNIT);
  const result = await waitFor(
    'the verification',
    async () => {
      const found = await admin.verification(id);
      if (found === null || found.state === 'queued' || found.state === 'running')
        throw new Error(found?.state ?? 'none');
      return found;
    },
    { timeoutMs: 120_000, everyMs: 250 },
  );
  expect(result).toMatchObject({ state: 'passed', missing: 0, extra: 0, different: 0 });
  expect(result.rowsCompared).toBeGreaterThan(ENTRIES / 2);
  const { documents, unequal } = await compareBytes(api, UNIT);
  expect({ isWhole: documents > ENTRIES / 2, unequal }).toEqual({ isWhole: true, unequal: [] });
});
