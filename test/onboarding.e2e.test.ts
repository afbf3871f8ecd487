import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AdminClient } from '../sandbox/src/estate/admin-client.ts';
import { withClient, withDatabase } from '../sandbox/src/estate/billing.ts';
import { BILLING } from '../sandbox/src/estate/billing-schema.ts';
import { compareBytes } from '../sandbox/src/estate/compare.ts';
import { waitFor } from '../sandbox/src/process/poll.ts';

/** A schema that Ficus has never seen joins the running estate: `plan init`, `plan check`, `plan apply`, and it is there. */

const run = promisify(execFile);
const SCHEMA = `sales_${Date.now().toString(36)}`;
const UNIT = `orders-${Date.now().toString(36)}`;
const ORDERS = 300;

const TABLES = `
CREATE SCHEMA ${SCHEMA};
CREATE TYPE ${SCHEMA}.channel AS ENUM ('web', 'shop');
CREATE TABLE ${SCHEMA}.customer_order (
  region char(3), order_no bigint, placed_at timestamptz NOT NULL, total numeric(12,3) NOT NULL, via ${SCHEMA}.channel,
  gross numeric GENERATED ALWAYS AS (total * 1.19) STORED, note text, tags text[], weight real, paid boolean NOT NULL DEFAULT false, doc jsonb, at_time time(3),
  PRIMARY KEY (region, order_no)
);
CREATE TABLE ${SCHEMA}.order_line (
  region char(3), order_no bigint, line smallint, sku varchar(20) NOT NULL, quantity numeric(9,2),
  PRIMARY KEY (region, order_no, line), FOREIGN KEY (region, order_no) REFERENCES ${SCHEMA}.customer_order ON DELETE CASCADE
);
INSERT INTO ${SCHEMA}.customer_order (region, order_no, placed_at, total, via, note, tags, weight, paid, doc, at_time)
  SELECT 'EU', 9007199254740993 + n, '2026-01-01 00:00:00.000001Z'::timestamptz + n * interval '1 second', n + 0.125,
         CASE WHEN n % 2 = 0 THEN 'web'::${SCHEMA}.channel END, CASE WHEN n % 3 = 0 THEN 'né ' || n END, ARRAY['x'], n / 7.0, n % 2 = 0,
         jsonb_build_object('n', n), '12:34:56.789'
  FROM generate_series(1, ${ORDERS}) n;
INSERT INTO ${SCHEMA}.order_line SELECT region, order_no, line, 'SKU' || line, line * 1.5 FROM ${SCHEMA}.customer_order, generate_series(1, 3) line;
GRANT USAGE ON SCHEMA ${SCHEMA} TO ficus, ficus_capture;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${SCHEMA} TO ficus;
GRANT SELECT ON ALL TABLES IN SCHEMA ${SCHEMA} TO ficus_capture;
`;

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
  folder = await mkdtemp(join(tmpdir(), 'ficus-onboarding-'));
  await withClient(billing, (client) => client.query(TABLES));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What the command line prints; rejects when it fails. */
async function ficus(...args: string[]): Promise<string> {
  const main = join(import.meta.dirname, '..', 'apps', 'cli', 'src', 'main.ts');
  return (await run(process.execPath, ['--conditions=source', main, ...args])).stdout;
}

async function caughtUp(): Promise<void> {
  await waitFor(
    `the snapshot of ${UNIT}`,
    async () => {
      const { snapshot } = await admin.unit(UNIT);
      if (!snapshot?.complete) throw new Error(`${snapshot?.rows} rows`);
    },
    { timeoutMs: 180_000, everyMs: 250 },
  );
}

it('a drafted plan is accepted, applied to the running estate, and both stores become equal', async () => {
  const plan = join(folder, 'orders.yaml');
  await writeFile(
    plan,
    await ficus('plan', 'init', 'billing', `${SCHEMA}.customer_order`, '--unit', UNIT, '--owner', 'sales'),
  );
  expect(await ficus('plan', 'check', plan)).toContain('no faults');
  await ficus('plan', 'apply', plan);
  await caughtUp();
  const { documents, unequal } = await compareBytes(api, UNIT);
  expect({ documents, unequal }).toEqual({ documents: ORDERS, unequal: [] });
});

it('a change of either side arrives, and a verification proves it', async () => {
  await withClient(billing, (client) =>
    client.query(`DELETE FROM ${SCHEMA}.customer_order WHERE order_no = 9007199254740994`),
  );
  const answer = await fetch(`${api}/v1/${UNIT}/EU,9007199254740995`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ note: 'geändert', total: '0.500' }),
  });
  expect(answer.status).toBe(200);
  await waitFor(
    'the deletion in MongoDB',
    async () => {
      const gone = await fetch(`${api}/v1/${UNIT}/EU,9007199254740994`, {
        headers: { 'ficus-read-from': 'mongodb' },
      });
      if (gone.status !== 404) throw new Error(String(gone.status));
    },
    { timeoutMs: 60_000 },
  );
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
  expect(result).toMatchObject({
    state: 'passed',
    rowsCompared: ORDERS - 1,
    missing: 0,
    extra: 0,
    different: 0,
  });
  const moved = await fetch(`${api}/v1/${UNIT}/EU,9007199254740995`, {
    headers: { 'ficus-read-from': 'mongodb' },
  });
  expect(await moved.json()).toMatchObject({ note: 'geändert', total: '0.500' });
});

it('the same plan again changes nothing', async () => {
  const plan = join(folder, 'orders.yaml');
  expect(await ficus('plan', 'apply', plan)).toContain('was applied already');
});

it('a changed plan has its table read again, and every document follows', async () => {
  const plan = join(folder, 'orders.yaml');
  const renamed = (await readFile(plan, 'utf8')).replace('  note: {', '  remark: {');
  await writeFile(plan, renamed);
  expect(await ficus('plan', 'apply', plan)).toContain(`${SCHEMA}.customer_order is read again`);
  await waitFor(
    'both stores with the renamed field',
    async () => {
      const moved = await fetch(`${api}/v1/${UNIT}/EU,9007199254740995`, {
        headers: { 'ficus-read-from': 'mongodb' },
      });
      const document = (await moved.json()) as { remark?: string };
      if (document.remark !== 'geändert') throw new Error(JSON.stringify(document));
      const { documents, unequal } = await compareBytes(api, UNIT);
      expect(documents).toBe(ORDERS - 1);
      if (unequal.length > 0) throw new Error(`${unequal.length} of ${documents} unequal`);
    },
    { timeoutMs: 120_000, everyMs: 500 },
  );
});

it('a change of what documents are told apart by is refused', async () => {
  const plan = join(folder, 'moved.yaml');
  const text = (await readFile(join(folder, 'orders.yaml'), 'utf8')).replace(
    /^collection: .*$/m,
    'collection: elsewhere',
  );
  await writeFile(plan, text);
  await expect(ficus('plan', 'apply', plan)).rejects.toMatchObject({
    stderr: expect.stringContaining('collection cannot change'),
  });
});

interface Letters {
  readonly items: readonly { readonly code: string; readonly reason: string; readonly state: string }[];
}

async function openLetters(): Promise<Letters['items']> {
  return (JSON.parse(await ficus('dead-letters', 'list', '--unit', UNIT)) as Letters).items;
}

async function lettersAre(codes: readonly string[]): Promise<void> {
  await waitFor(
    `open dead letters ${codes.join()}`,
    async () => expect((await openLetters()).map(({ code }) => code)).toEqual(codes),
    { timeoutMs: 60_000, everyMs: 250 },
  );
}

async function order(what: 'replay' | 'discard', ...flags: readonly string[]): Promise<string> {
  return await ficus('dead-letters', what, '--unit', UNIT, '--all', '--reason', 'for the test', ...flags);
}

async function storesAreEqual(count: number): Promise<void> {
  await waitFor(
    'both stores with the same',
    async () => {
      const { documents, unequal } = await compareBytes(api, UNIT);
      expect(documents).toBe(count);
      if (unequal.length > 0) throw new Error(`${unequal.length} of ${documents} unequal`);
    },
    { timeoutMs: 120_000, everyMs: 500 },
  );
}

it('a truncate is held for an operator, who has it carried out', async () => {
  await withClient(billing, (client) => client.query(`TRUNCATE ${SCHEMA}.order_line`));
  await lettersAre(['table_truncated']);
  expect((await openLetters())[0]?.reason).toContain('was truncated');
  await order('replay');
  await lettersAre([]);
  await storesAreEqual(ORDERS - 1);
});

it('a record that cannot be applied has its row wait; discarded, the row is read from the source', async () => {
  const set = async (total: string) =>
    await withClient(billing, (client) =>
      client.query(
        `UPDATE ${SCHEMA}.customer_order SET total = '${total}' WHERE order_no = 9007199254740995`,
      ),
    );
  await set('NaN');
  await lettersAre(['value_invalid']);
  await set('7.5');
  await waitFor('the letter that waits', async () => expect(await openLetters()).toHaveLength(2), {
    timeoutMs: 60_000,
  });
  expect(JSON.parse(await order('replay', '--dry-run'))).toMatchObject({
    dryRun: true,
    items: [{ rehearsal: { failure: expect.stringMatching(/nan/i) } }],
  });
  await order('discard');
  await lettersAre([]);
  await storesAreEqual(ORDERS - 1);
});
